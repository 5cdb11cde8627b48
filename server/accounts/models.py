# SPDX-License-Identifier: GPL-3.0-or-later
"""What is kept of a person and of the tokens that read for them."""

from zoneinfo import ZoneInfo

from django.contrib.auth.models import AbstractUser
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

DEFAULT_CENTS_PER_KWH = 18  # protocol §4: 0.18 a kWh until the owner says otherwise


def valid_time_zone(name: str) -> None:
    """Raises ValidationError for a name that the time zone database does not know."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValidationError("no such time zone") from error


class Account(AbstractUser):
    """A person. Sensors, devices and tokens hang on it."""

    email = models.EmailField("e-mail address", unique=True, null=True, blank=True)
    time_zone = models.CharField(max_length=64, default="Europe/Brussels", validators=[valid_time_zone])
    price = models.DecimalField(
        "price a kWh",
        max_digits=7,
        decimal_places=4,
        null=True,
        blank=True,
        validators=[MinValueValidator(0), MaxValueValidator(100)],
        help_text="in the currency of the account; 0.18 is taken until one is set",
    )

    class Meta(AbstractUser.Meta):
        verbose_name = "account"

    def save(self, *args, **options):
        self.email = self.email or None  # many may have none
        super().save(*args, **options)


class Token(models.Model):
    """A right to read, or to manage. Only the SHA-256 of its 32 hex digits is kept: it is shown once, when it is made."""

    class Scope(models.TextChoices):
        READ = "read", "read series"
        MANAGE = "manage", "read, and change devices, sensors and tokens"

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="tokens")
    sensor = models.ForeignKey(
        "devices.Sensor", on_delete=models.CASCADE, null=True, blank=True, related_name="tokens", help_text="none: all of the account"
    )
    name = models.CharField(max_length=64, blank=True)
    scope = models.CharField(max_length=8, choices=Scope, default=Scope.READ)
    sha256 = models.CharField(max_length=64, unique=True, editable=False)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            # a sensor's token is for reading that sensor
            models.CheckConstraint(condition=models.Q(sensor=None) | models.Q(scope="read"), name="sensor_token_reads"),
        ]

    def __str__(self):
        return self.name or f"token {self.pk}"
