# SPDX-License-Identifier: GPL-3.0-or-later
"""Forms of a member's own pages."""

import re
import zoneinfo

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


class PriceForm(forms.Form):
    cents_per_kwh = CentsField(
        label=_("Cents a kWh"),
        min_value=-CENTS_MAX,
        max_value=CENTS_MAX,
        max_digits=9,
        decimal_places=4,
        help_text=_("28.45 or 28,45"),
    )
    currency = forms.ChoiceField(label=_("Currency"), choices=[(code, code) for code in CURRENCIES])
    since = forms.DateField(label=_("From"), widget=forms.DateInput({"type": "date"}, "%Y-%m-%d"))


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
