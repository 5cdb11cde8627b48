# SPDX-License-Identifier: GPL-3.0-or-later
"""Forms for devices and sensors."""

from django import forms
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

from flukso_server.devices.models import Device, Sensor

# Names go into pages, files and logs.
printable = RegexValidator(r"\A[^\x00-\x1f\x7f]*\Z", _("No control characters."))


class DeviceForm(forms.ModelForm):
    name = forms.CharField(label=_("Name"), max_length=64, required=False, validators=[printable])

    class Meta:
        model = Device
        fields = ["name"]


class SensorForm(forms.ModelForm):
    name = forms.CharField(label=_("Name"), max_length=64, required=False, validators=[printable])

    class Meta:
        model = Sensor
        fields = ["name", "role"]
