# SPDX-License-Identifier: GPL-3.0-or-later
"""A member among others: what they share and with whom, whom they follow, invite, what they pay."""

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

NAMES_MAX = 1000  # characters of names that a sharer types
CENTS_MAX = 10_000  # a kWh, also below zero: a larger amount is a slip of the comma

currency_code = RegexValidator(r"\A[A-Z]{3}\Z", _("three capital letters, as in EUR"))


class Sharing(models.Model):
    """A member's answer to the question what others may see.

    A member without a row has not answered and is private.
    """

    class Detail(models.TextChoices):
        PRIVATE = "private", _("nothing: I see nobody, and nobody sees me")
        DAY = "day", _("a mean for each day")
        MINUTES = "minutes", _("every minute")

    class Audience(models.TextChoices):
        ALL = "all", _("all members")
        CHOSEN = "chosen", _("the members I choose")

    account = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="sharing"
    )
    detail = models.CharField(max_length=8, choices=Detail, default=Detail.PRIVATE)
    audience = models.CharField(max_length=8, choices=Audience, default=Audience.CHOSEN)
    chosen = models.ManyToManyField(settings.AUTH_USER_MODEL, related_name="+", blank=True)
    names = models.CharField(
        max_length=NAMES_MAX,
        blank=True,
        help_text="as typed, whether somebody has them or not: the page tells no more",
    )
    answered = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name_plural = "sharing"

    def __str__(self):
        return f"{self.account}: {self.detail}"


class Subscription(models.Model):
    """One member's wish to see another's line.

    It needs no approval, and shows only what the other shares.
    """

    subscriber = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="subscriptions"
    )
    to = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="subscribers"
    )
    shown = models.BooleanField(
        default=True, help_text="in the chart, where four at most are (accounts/sharing.py)"
    )
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["subscriber", "to"], name="one_subscription"),
            models.CheckConstraint(
                condition=~models.Q(subscriber=models.F("to")), name="not_to_oneself"
            ),
        ]


class Price(models.Model):
    """What an account pays a kWh, from a local date until the next price begins."""

    account = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="prices"
    )
    since = models.DateField(_("from"))
    begins = models.BigIntegerField(
        help_text="unix s: that day's midnight where the account was when it said so; a move "
        "changes no past price"
    )
    cents_per_kwh = models.DecimalField(
        _("cents a kWh"),
        max_digits=9,
        decimal_places=4,
        validators=[MinValueValidator(-CENTS_MAX), MaxValueValidator(CENTS_MAX)],
    )
    currency = models.CharField(
        _("currency"), max_length=3, default="EUR", validators=[currency_code]
    )
    terms = models.JSONField(
        null=True,
        blank=True,
        help_text="what the contract says beyond this one price (money/contract.py)",
    )

    class Meta:
        ordering = ["since"]
        constraints = [models.UniqueConstraint(fields=["account", "since"], name="one_price_a_day")]


class DayPrices(models.Model):
    """What a kWh costs in each part of a local day, for contracts with hourly prices."""

    account = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="day_prices"
    )
    day = models.DateField()
    begins = models.BigIntegerField(help_text="unix s: the day's midnight where the account was")
    step_s = models.PositiveIntegerField(help_text="900 or 3600")
    per_kwh = models.JSONField(help_text="decimals as text, ascending in time")

    class Meta:
        ordering = ["day"]
        constraints = [
            models.UniqueConstraint(fields=["account", "day"], name="one_list_of_prices_a_day")
        ]


class Invitation(models.Model):
    """A mail that lets one person sign up.

    Its link holds a secret, of which only the SHA-256 is kept.
    """

    inviter = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="invitations"
    )
    email = models.EmailField(
        _("e-mail address"), blank=True, help_text="empty when the account that came by it has gone"
    )
    sha256 = models.CharField(max_length=64, unique=True, editable=False)
    created = models.DateTimeField()
    expires = models.DateTimeField()
    withdrawn = models.BooleanField(default=False)
    accepted_by = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="invitation",
    )
    accepted = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self):
        return self.email or f"invitation {self.pk}"
