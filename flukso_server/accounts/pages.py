# SPDX-License-Identifier: GPL-3.0-or-later
"""A member's own pages: account, prices, sharing, tokens, export, deletion, invitations."""

import re

from allauth.account.adapter import get_adapter
from allauth.core import ratelimit
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import FileResponse, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from flukso_server.accounts import forms, invitations, prices
from flukso_server.accounts.adapter import INVITATION
from flukso_server.accounts.deletion import delete_account
from flukso_server.accounts.export import archive
from flukso_server.accounts.models import Token
from flukso_server.accounts.relationships import invited, relationships
from flukso_server.accounts.sharing import Detail, SharingError, detail_of
from flukso_server.accounts.tokens import TokenError, make_token, revoke
from flukso_server.devices.queries import sensors_of
from flukso_server.project.stores import forget, store
from flukso_server.project.typed import fill, own_form, own_page, typed

# the address to which each form of the account's page is sent, and the form's name on the page
FORMS = {
    "/account/": "profile",
    "/account/price/": "price",
    "/account/sharing/": "sharing",
}


@own_page
def account(request):
    """Show all of the account on one page; each form posts to an address of its own."""
    if request.method == "POST":
        form = forms.ProfileForm(request.POST, instance=request.user)
        renamed = "username" in form.changed_data
        if renamed and (
            refused := ratelimit.consume_or_429(request, action="rename", user=request.user)
        ):
            return refused
        if form.is_valid():
            form.save()
            return _done(request, _("Saved."))
        return _account(request, profile=form)
    return _account(request)


def _account(request, status=200, **with_errors):
    resumed = typed(request, *FORMS)
    if with_errors:
        request.user.refresh_from_db()  # a form that was refused has changed it in memory
    today = prices.local_date(request.user)
    values = {
        "profile": forms.ProfileForm(instance=request.user),
        "price": forms.PriceForm(
            initial={"since": today, "currency": prices.spans_of(request.user)[-1].currency}
        ),
        "sharing": forms.MemberSharingForm(request.user),
        "prices": request.user.prices.all(),
        "answer": getattr(request.user, "sharing", None),
        "private": detail_of(request.user) == Detail.PRIVATE,
    }
    if resumed:
        fill(values[FORMS[resumed[0]]], resumed[1])
    return render(request, "accounts/account.html", values | with_errors, status=status)


def _done(request, text: str, to: str = "account"):
    """Redirect to a page that shows the text."""
    messages.success(request, text)
    return redirect(to)


@own_form("account", "#price")
def add_price(request):
    form = forms.PriceForm(request.POST)
    if form.is_valid():
        today = prices.local_date(request.user)
        try:
            prices.set_price(request.user, form.wanted(), today)
            return _done(request, _("The price is noted."))
        except prices.PriceError as error:
            form.add_error(None, str(error))
    return _account(request, price=form)


@own_form("account", "#price")
def delete_price(request, number):
    request.user.prices.filter(pk=number).delete()
    return _done(request, _("The price is gone; the one before holds on."))


@own_form("account", "#sharing")
def sharing(request):
    form = forms.MemberSharingForm(request.user, request.POST)
    if form.is_valid():
        try:
            form.save()
            return _done(request, _("Saved."))
        except SharingError as error:
            form.add_error(None, str(error))
    return _account(request, sharing=form)


@own_page
def tokens(request):
    """List tokens, make one, revoke one; the text of a new one is in this answer alone."""
    shown = None
    if request.method == "POST":
        if "revoke" in request.POST:
            number = request.POST["revoke"]
            if re.fullmatch("[0-9]{1,18}", number):
                for token in request.user.tokens.filter(pk=int(number)):
                    revoke(token)
            return redirect("tokens")
        shown = _make_token(request)
    resumed = typed(request, request.path)
    values = {
        "tokens": request.user.tokens.select_related("sensor"),
        "sensors": sensors_of(request.user),
        "shown": shown,
        "typed": resumed and resumed[1],
        "scopes": Token.Scope.choices,
    }
    return render(request, "accounts/tokens.html", values)


def _make_token(request) -> str | None:
    """Make the token that the form asks for, and return its text, or None with a message."""
    of, name = request.POST.get("sensor", ""), request.POST.get("name", "")
    sensor = get_object_or_404(sensors_of(request.user), pk=of) if of else None
    try:
        manages = request.POST.get("scope") == Token.Scope.MANAGE
        scope = Token.Scope.MANAGE if manages else Token.Scope.READ
        return make_token(request.user, name if name.isprintable() else "", scope, sensor)[1]
    except TokenError as error:
        messages.error(request, str(error))
    return None


@own_form("account")
@never_cache
def export(request):
    """Send all that the platform keeps of the account, as one ZIP file."""
    refused = ratelimit.consume_or_429(request, action="export", user=request.user)
    return refused or FileResponse(
        archive(request.user, store()), as_attachment=True, filename="flukso.zip"
    )


@own_page
def delete(request):
    form = forms.DeletionForm(request.user, request.POST or None)
    if request.method == "POST":
        if refused := ratelimit.consume_or_429(request, action="delete", user=request.user):
            return refused
        if form.is_valid():
            account = request.user
            logout(request)
            delete_account(account, forget)
            return _done(request, _("Your account and its data are gone."), "account_login")
    return render(request, "accounts/delete.html", {"form": form})


@own_page
def invitations_page(request):
    now = timezone.now()
    if request.method == "POST":
        try:
            made, secret = invitations.invite(
                request.user, request.POST.get("email", "")[:254], now
            )
        except invitations.InvitationError as error:
            messages.error(request, str(error))
        else:
            _send(request, made, secret)
        return redirect("invitations")
    resumed = typed(request, request.path)
    values = {
        "invited": invited(request.user),
        "left": invitations.left(request.user, now),
        "now": now,
        "typed": resumed and resumed[1],
    }
    return render(request, "accounts/invitations.html", values)


@require_safe
@login_required
@never_cache
def relationships_page(request):
    values = relationships(request.user) | {
        "private": detail_of(request.user) == Detail.PRIVATE,
        "now": timezone.now(),
    }
    return render(request, "accounts/relationships.html", values)


def _send(request, made, secret: str) -> None:
    link = request.build_absolute_uri(reverse("invitation", args=[secret]))
    values = {"inviter": request.user.username, "link": link, "days": invitations.LIFETIME.days}
    if get_adapter(request).deliver("accounts/email/invitation", made.email, values):
        messages.success(request, _("The invitation is on its way."))
    else:
        invitations.withdraw(request.user, made.pk)
        messages.error(request, _("The mail could not be sent now. Please try again later."))


@own_form("invitations")
def withdraw(request, number):
    invitations.withdraw(request.user, number)
    return redirect("invitations")


@require_safe
@never_cache
def invitation(request, secret):
    """Open the link of an invitation's mail, and lead on to the form for signing up.

    That form has an address of its own, so that the secret stays in this one. HEAD, with which mail
    programs check links, gets an answer and changes nothing.
    """
    if request.user.is_authenticated:
        return redirect("home")
    its_invitation = invitations.find(secret[:64], timezone.now())
    if its_invitation is None:
        return render(request, "accounts/invitation_gone.html", status=404)
    if request.method == "HEAD":
        return HttpResponse()
    request.session[INVITATION] = its_invitation.pk
    # whoever opens the mail's link owns the address
    get_adapter(request).stash_verified_email(request, its_invitation.email)
    return redirect("account_signup")
