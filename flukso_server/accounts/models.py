# SPDX-License-Identifier: GPL-3.0-or-later
"""A person's account, and the tokens that read for them; membership.py has the other models."""

from zoneinfo import ZoneInfo

from django.contrib.auth.models import AbstractUser
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from flukso_server.accounts import names
from flukso_server.accounts.zones import note_move

INVITATIONS = 5  # that a new account may have open or accepted; operators change it by account


def valid_time_zone(name: str) -> None:
    """Raise ValidationError for a name that the time zone database does not know."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValidationError(_("no such time zone")) from error


class NameKey(models.TextField):
    """The key of the account's name; computed when a row is written, by bulk_create() too."""

    def pre_save(self, model_instance, add):
        model_instance.name_key = names.key(model_instance.username)
        return model_instance.name_key

    def deconstruct(self):
        name, _path, args, options = super().deconstruct()
        return name, "django.db.models.TextField", args, options


class Account(AbstractUser):
    """A person, who owns devices, sensors and tokens."""

    class Unit(models.TextChoices):
        """The unit with which charts begin; names as in docs/design/protocols.md §4."""

        WATT = "watt", _("watt")
        KWH_A_YEAR = "kwhperyear", _("kWh a year")
        MONEY_A_YEAR = "eurperyear", _("money a year")

    email = models.EmailField(_("e-mail address"), unique=True, null=True, blank=True)
    time_zone = models.CharField(
        _("time zone"), max_length=64, default="Europe/Brussels", validators=[valid_time_zone]
    )
    former_zones = models.TextField(
        blank=True, default="", editable=False, help_text="accounts/zones.py: where it lived before"
    )
    unit = models.CharField(_("unit"), max_length=16, choices=Unit, default=Unit.WATT)
    invitations_max = models.PositiveSmallIntegerField(
        _("invitations"), default=INVITATIONS, help_text=_("that may be out or used")
    )

    name_key = NameKey(
        unique=True, editable=False, help_text="accounts/names.py: two names with one key are one"
    )

    class Meta(AbstractUser.Meta):
        verbose_name = _("account")

    def clean(self):
        """Raise ValidationError for a name that is another account's, or reserved."""
        super().clean()
        self._check_free()

    def _check_free(self):
        if Account.objects.filter(name_key=self._free_key()).exclude(pk=self.pk).exists():
            raise ValidationError({"username": _("A user with that username already exists.")})

    def _free_key(self) -> str:
        """Return the name's key. Raises ValidationError for a reserved name."""
        key = names.key(self.username)
        if key in names.RESERVED:
            raise ValidationError({"username": _("This name cannot be had.")})
        return key

    def save(self, *args, update_fields=None, **options):
        """Raise ValidationError for a reserved name, and for a new account's if it is in use.

        When the time zone changes, the days that are kept by the hour keep the former one.
        """
        self.email = self.email or None  # NULL: the column is unique, and many have no address
        if self._state.adding:
            self._check_free()
        else:
            self._free_key()
        if update_fields is not None and "username" in update_fields:
            update_fields = {*update_fields, "name_key"}
        if update_fields is None or "time_zone" in update_fields:
            note_move(self)
            update_fields = update_fields and {*update_fields, "former_zones"}
        super().save(*args, update_fields=update_fields, **options)


class Token(models.Model):
    """A right to read, or to manage.

    Only the SHA-256 of its 32 hex digits is kept: it is shown once, when it is made.
    """

    class Scope(models.TextChoices):
        READ = "read", _("read series")
        MANAGE = "manage", _("read, and change devices, sensors and tokens")

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="tokens")
    sensor = models.ForeignKey(
        "devices.Sensor",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="tokens",
        help_text="none: all of the account",
    )
    name = models.CharField(max_length=64, blank=True)
    scope = models.CharField(max_length=8, choices=Scope, default=Scope.READ)
    sha256 = models.CharField(max_length=64, unique=True, editable=False)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            # a token of one sensor can only read
            models.CheckConstraint(
                condition=models.Q(sensor=None) | models.Q(scope="read"), name="sensor_token_reads"
            ),
        ]

    def __str__(self):
        return self.name or f"token {self.pk}"


# Django looks for an application's models in this module
from flukso_server.accounts.membership import (  # noqa: E402
    DayPrices,  # noqa: F401
    Invitation,  # noqa: F401
    Price,  # noqa: F401
    Sharing,  # noqa: F401
    Subscription,  # noqa: F401
)
