# SPDX-License-Identifier: GPL-3.0-or-later
"""Forms of a member's own pages."""

import re
import zoneinfo
from decimal import Decimal

from allauth.account import forms as allauth
from allauth.account.adapter import get_adapter
from allauth.core import context
from django import forms
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from flukso_server.accounts import names
from flukso_server.accounts.adapter import INVITATION
from flukso_server.accounts.invitations import InvitationError, accept
from flukso_server.accounts.membership import CENTS_MAX, NAMES_MAX, Sharing
from flukso_server.accounts.models import Account
from flukso_server.accounts.prices import Wanted
from flukso_server.accounts.sharing import choice_of, set_sharing
from flukso_server.project.typed import fill, typed

CURRENCIES = (
    "EUR",
    "AUD",
    "BRL",
    "CAD",
    "CHF",
    "CZK",
    "DKK",
    "GBP",
    "INR",
    "JPY",
    "NOK",
    "NZD",
    "PLN",
    "SEK",
    "USD",
    "ZAR",
)


class SharingForm(forms.Form):
    """Asks what others may see; nothing is ticked beforehand."""

    sharing = forms.ChoiceField(
        label=_("What do you share with other members?"),
        choices=Sharing.Detail.choices,
        widget=forms.RadioSelect,
        required=False,
    )
    audience = forms.ChoiceField(
        label=_("With whom?"),
        choices=Sharing.Audience.choices,
        widget=forms.RadioSelect,
        required=False,
    )

    def clean(self):
        values = super().clean()
        shares = values.get("sharing") in (Sharing.Detail.DAY, Sharing.Detail.MINUTES)
        if shares and not values.get("audience"):
            self.add_error("audience", _("Say with whom."))
        return values

    def answer(self, account: Account, chosen=(), names: str = "") -> None:
        """Store the answer, if one was given."""
        if self.cleaned_data["sharing"]:
            set_sharing(
                account,
                self.cleaned_data["sharing"],
                self.cleaned_data["audience"] or Sharing.Audience.CHOSEN,
                chosen,
                names,
            )


class LoginForm(allauth.LoginForm):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["login"].label = _("Name or e-mail address")
        self.fields["password"].help_text = ""  # the page itself links to a new password

    def clean_login(self) -> str:
        """Return the name as its account spells it, however it was typed."""
        login = super().clean_login()
        return (
            Account.objects.filter(name_key=names.key(login))
            .values_list("username", flat=True)
            .first()
            or login
        )

    def signup_is_open(self) -> bool:
        """Tell whether the visitor may sign up."""
        return get_adapter().is_open_for_signup(context.request)


class AddEmailForm(allauth.AddEmailForm):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        resumed = typed(context.request, reverse("account_email"))
        if resumed:
            fill(self, resumed[1])


class SignupForm(SharingForm, allauth.SignupForm):
    field_order = ["username", "email", "password1", "sharing", "audience"]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["audience"].help_text = _(
            "With members you choose: say who they are on the page of your account. Until then you "
            "stay private."
        )
        invitation = get_adapter().invitation(context.request)
        if invitation is not None:
            self.fields["email"].initial = invitation.email

    def save(self, request):
        number = request.session.get(INVITATION)
        adapter = get_adapter()
        invitation = adapter.invitation(request)
        if invitation is None or self.cleaned_data["email"].lower() != invitation.email:
            adapter.unstash_verified_email(request)  # an address of their own must be confirmed
        with transaction.atomic():
            account = super().save(request)
            if number is not None:
                try:
                    accept(number, account, timezone.now())
                except InvitationError as error:
                    if not settings.SIGNUP_OPEN:  # otherwise no invitation was needed
                        raise PermissionDenied from error
            self.answer(account)
        request.session.pop(INVITATION, None)
        return account


class MemberSharingForm(SharingForm):
    """Asks the same question later, with members to choose from.

    It offers members in sight that are chosen already, that the asker follows or that follow the
    asker, a hundred at most; others can be named. The names are shown again as they were typed,
    also those that nobody has, because the form would otherwise tell who is a member. A member who
    was ticked and is out of sight now stays chosen.
    """

    chosen = forms.ModelMultipleChoiceField(
        label=_("Chosen members"),
        queryset=Account.objects.none(),
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    names = forms.CharField(
        label=_("Others, by name"),
        max_length=NAMES_MAX,
        required=False,
        help_text=_("separated by commas"),
    )

    def __init__(self, account: Account, *args, **kwargs):
        self.sharer = account
        self._before: dict[int, str] = {}
        self._typed = ""
        sharing = Sharing.objects.filter(account=account).first()
        if sharing:
            self._before, self._typed = (
                dict(sharing.chosen.values_list("pk", "username")),
                sharing.names,
            )
            kwargs["initial"] = {
                "sharing": sharing.detail,
                "audience": sharing.audience,
                "chosen": list(self._before),
                "names": sharing.names,
            }
        super().__init__(*args, **kwargs)
        self._offered = choice_of(account)
        self.fields["chosen"].queryset = Account.objects.filter(pk__in=self._offered).order_by(
            "username"
        )
        if not self._offered:
            del self.fields["chosen"]

    def save(self) -> None:
        keys, typed = _keys(self.cleaned_data["names"]), _keys(self._typed)
        named = Account.objects.filter(name_key__in=keys, is_active=True)
        unseen = Account.objects.filter(
            pk__in=[
                pk
                for pk, name in self._before.items()
                if pk not in self._offered and names.key(name) not in typed
            ]
        )
        chosen = {each.pk: each for each in (*self.cleaned_data.get("chosen", ()), *named, *unseen)}
        # commas alone name nobody
        self.answer(self.sharer, chosen.values(), self.cleaned_data["names"] if keys else "")


def _keys(text: str) -> list[str]:
    """Return the keys of names that commas separate."""
    return [names.key(name.strip()) for name in text.split(",") if name.strip()]


class ProfileForm(forms.ModelForm):
    time_zone = forms.ChoiceField(
        label=_("Time zone"),
        choices=[(name, name) for name in sorted(zoneinfo.available_timezones())],
    )

    class Meta:
        model = Account
        fields = ["username", "time_zone", "unit"]
        labels = {"username": _("Name"), "unit": _("Charts begin with")}

    def clean_username(self):
        """Check a changed name by the rules of sign-up; it may be the old one in another case."""
        name, before = self.cleaned_data["username"], self.initial["username"]
        if name == before:
            return name
        same_key = names.key(name) == names.key(before)
        return get_adapter().clean_username(name, shallow=same_key)


class CentsField(forms.DecimalField):
    """An amount with a point or a comma before its decimals, in every language.

    `28,45` is 28.45 everywhere, and never 2,845. A text with both signs, or with two of one, is
    refused: whichever it means, it is no price of a kWh. A browser's field for numbers would not
    do, because some browsers drop the comma before anybody sees it.
    """

    # not "decimal": a phone's keyboard for decimals has no minus
    widget = forms.TextInput(attrs={"inputmode": "text", "autocomplete": "off"})

    def widget_attrs(self, widget):
        return {}

    def to_python(self, value):
        text = str(value or "").strip().replace("−", "-")
        if text and not re.fullmatch(r"-?[0-9]{1,9}([.,][0-9]{1,9})?", text):
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid")
        return super().to_python(text.replace(",", "."))


CENTS = {
    "min_value": -CENTS_MAX,
    "max_value": CENTS_MAX,
    "max_digits": 9,
    "decimal_places": 4,
}
CLOCK = forms.TimeInput({"type": "time"}, "%H:%M")


class PriceForm(forms.Form):
    MAIN = ("cents_per_kwh", "currency", "since")

    cents_per_kwh = CentsField(label=_("Cents a kWh"), help_text=_("28.45 or 28,45"), **CENTS)
    currency = forms.ChoiceField(label=_("Currency"), choices=[(code, code) for code in CURRENCIES])
    since = forms.DateField(label=_("From"), widget=forms.DateInput({"type": "date"}, "%Y-%m-%d"))
    other_cents = CentsField(
        label=_("Cents a kWh at other hours (night and weekend)"),
        required=False,
        help_text=_("Empty: one price at all hours."),
        **CENTS,
    )
    day_from = forms.TimeField(label=_("Day rate from"), required=False, widget=CLOCK)
    day_until = forms.TimeField(label=_("until"), required=False, widget=CLOCK)
    weekdays = forms.BooleanField(label=_("on weekdays alone"), required=False)
    standing_cents = CentsField(label=_("Standing charge, cents a day"), required=False, **CENTS)
    sold_cents = CentsField(label=_("Cents for a kWh that you feed in"), required=False, **CENTS)
    backwards = forms.BooleanField(
        label=_("My meter runs backwards"),
        required=False,
        help_text=_("What you sell is taken off what you buy, kWh for kWh."),
    )
    capacity = CentsField(
        label=_("Capacity tariff, a kW and year"),
        required=False,
        help_text=_("In the currency; of the mean of your twelve monthly peaks."),
        **(CENTS | {"min_value": 0}),
    )
    floor_kw = CentsField(
        label=_("a peak counts as at least, kW"), required=False, **(CENTS | {"min_value": 0})
    )
    co2 = CentsField(
        label=_("CO₂, grams a kWh"),
        required=False,
        help_text=_("Your supplier's own figure."),
        **(CENTS | {"min_value": 0}),
    )
    day_from.initial, day_until.initial = "07:00", "22:00"

    def clean(self):
        values = super().clean()
        start, end = values.get("day_from"), values.get("day_until")
        if values.get("other_cents") is not None and (not start or not end or start == end):
            self.add_error("day_until", _("two different times are needed"))
        return values

    @property
    def main(self):
        return [self[name] for name in self.MAIN]

    @property
    def more(self):
        return [self[name] for name in self.fields if name not in self.MAIN]

    @property
    def more_open(self) -> bool:
        """Say whether something was typed, or is wrong, in what is folded away."""
        return self.is_bound and any(field.errors or field.value() for field in self.more)

    def wanted(self) -> Wanted:
        """Return the price that the valid form names, with its contract's terms if any."""
        values = self.cleaned_data
        return Wanted(values["since"], values["cents_per_kwh"], values["currency"], _terms(values))


def _terms(values: dict) -> dict | None:
    """Return the JSON of money/contract.py, or None where there is no more than the one price."""
    rates: list[dict] = [{"per_kwh": _money(values["cents_per_kwh"])}]
    if values["other_cents"] is not None:
        hours = {"from": f"{values['day_from']:%H:%M}", "until": f"{values['day_until']:%H:%M}"}
        if hours["until"] == "00:00":
            hours["until"] = "24:00"
        days = {"days": list(range(5))} if values["weekdays"] else {}
        rates[0] |= {"name": _("day rate"), **hours, **days}
        rates.append({"name": _("other hours"), "per_kwh": _money(values["other_cents"])})
    more: dict = {}
    if values["standing_cents"]:
        more["standing_per_day"] = _money(values["standing_cents"])
    if values["sold_cents"]:
        more["sold_per_kwh"] = _money(values["sold_cents"])
    if values["backwards"]:
        more["backwards"] = True
    if values["capacity"]:
        floor = values["floor_kw"] or 0
        more["capacity"] = {"per_kw_year": str(values["capacity"]), "floor_kw": str(floor)}
    if values["co2"] is not None:
        more["co2_g_per_kwh"] = str(values["co2"])
    if len(rates) == 1 and not more:
        return None
    for rate in rates:
        rate["name"] = str(rate.get("name", ""))
    return {"rates": rates, **more}


def _money(cents: Decimal) -> str:
    return str(cents / 100)


class DeletionForm(forms.Form):
    password = forms.CharField(
        label=_("Password"),
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        strip=False,
    )

    def __init__(self, account: Account, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._account = account

    def clean_password(self):
        if not self._account.check_password(self.cleaned_data["password"]):
            raise forms.ValidationError(_("This is not your password."))
        return self.cleaned_data["password"]
