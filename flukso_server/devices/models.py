# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of devices and sensors (docs/design/protocols.md §3, §8).

Their series are in the store.
"""

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from flukso_server.project.serial import TransactionNumber

hex_id = RegexValidator(r"\A[0-9a-f]{32}\Z", "32 lower-case hex digits are needed")


class Device(models.Model):
    """A Fluksometer that has registered or was imported; it is unclaimed while it has no owner."""

    id = models.CharField(primary_key=True, max_length=32, validators=[hex_id])
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="devices",
    )
    name = models.CharField(max_length=64, blank=True)
    sealed_key = models.BinaryField(help_text="its key, encrypted: devices/seal.py")
    claim_code = models.CharField(
        max_length=8, db_index=True, help_text="§8.3; never shown by the server"
    )
    origin = models.CharField(
        max_length=43,
        blank=True,
        help_text="network that it registered from, while it is unclaimed",
    )
    site = models.CharField(
        max_length=43, blank=True, db_index=True, help_text="the wider network of the origin"
    )
    block = models.CharField(
        max_length=43, blank=True, db_index=True, help_text="the widest network of the origin"
    )
    sign_required = models.BooleanField(
        default=False, help_text="an X-Sign has been seen: from then on it must be there (§8.5)"
    )
    imported = models.BooleanField(
        default=False, help_text="provisioned beforehand: its code needs no heartbeat"
    )
    rekey_until = models.DateTimeField(
        null=True, blank=True, help_text="until then it may post a new key (§8.4)"
    )
    created = models.DateTimeField(auto_now_add=True)
    claimed = models.DateTimeField(null=True, blank=True)
    unclaimed_since = models.DateTimeField(
        default=timezone.now, help_text="while it has no owner: removed some time after"
    )
    watched_until = models.DateTimeField(
        null=True, blank=True, help_text="asked until then to upload often: devices/live.py"
    )
    # the newest heartbeat
    seen = models.DateTimeField(null=True, blank=True)
    beat_time = models.BigIntegerField(
        default=0, help_text="newest `time` of a heartbeat, unix s: an older one is a replay"
    )
    version = models.PositiveIntegerField(null=True, blank=True)
    uptime_s = models.BigIntegerField(null=True, blank=True)
    mem_total_kb = models.BigIntegerField(null=True, blank=True)
    mem_free_kb = models.BigIntegerField(null=True, blank=True)
    mem_cached_kb = models.BigIntegerField(null=True, blank=True)
    mem_buffers_kb = models.BigIntegerField(null=True, blank=True)
    resets = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["id"]

    def __str__(self):
        return self.name or self.id


class NewKey(models.Model):
    """A key that a device posted while its owner had the window open.

    It becomes the device's key when the owner enters its code.
    """

    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="new_keys")
    sealed_key = models.BinaryField()
    claim_code = models.CharField(max_length=8)
    signed = models.BooleanField(default=False, help_text="posted with X-Sign")
    origin = models.CharField(max_length=43, blank=True, help_text="network that it came from")
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["device", "claim_code"], name="one_new_key_a_code")
        ]


class Heartbeat(models.Model):
    """A heartbeat, kept for some weeks (devices/housekeeping.py)."""

    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="heartbeats")
    at = models.DateTimeField()
    uptime_s = models.BigIntegerField(null=True)
    mem_free_kb = models.BigIntegerField(null=True)
    reset = models.BooleanField(default=False)

    class Meta:
        indexes = [models.Index(fields=["device", "at"]), models.Index(fields=["at"])]


class SentAs(models.CharField):
    """The id under which a device sends; that of the row itself unless another is said."""

    def pre_save(self, model_instance, add):
        if add and not getattr(model_instance, self.attname):
            setattr(model_instance, self.attname, model_instance.pk)
        return super().pre_save(model_instance, add)


class Sensor(models.Model):
    """One counter of a device, as its configuration describes it, and the series that it fills.

    The row's own id is that of its series, for ever. When its device is given on, the row is closed
    and stays with its owner; the device fills another one, whose id is drawn (devices/lives.py).
    """

    class Role(models.TextChoices):
        """What its energy is in the household's balance.

        net = import - export; use = import + pv - export
        """

        IMPORT = "import", _("from the grid, or supplied")
        EXPORT = "export", _("fed into the grid")
        PV = "pv", _("produced by solar panels")
        PART = "part", _("a part of what another sensor counts")

    id = models.CharField(primary_key=True, max_length=32, validators=[hex_id])
    device = models.ForeignKey(
        Device, on_delete=models.SET_NULL, null=True, blank=True, related_name="sensors"
    )
    sent_as = SentAs(
        max_length=32,
        validators=[hex_id],
        default="",
        db_index=True,
        help_text="the id that its device sends",
    )
    begins = models.BigIntegerField(
        default=0, help_text="unix s: what is older is of an owner before this one"
    )
    closed = models.BigIntegerField(
        null=True, blank=True, help_text="unix s at which the series ended with its owner"
    )
    bound = models.DateTimeField(default=timezone.now, help_text="since when its device has it")
    proven = models.BooleanField(
        default=False, help_text="its device has sent a value with a right digest"
    )
    # the owner of a sensor without a device
    released_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    name = models.CharField(max_length=64, blank=True)
    role = models.CharField(_("role"), max_length=8, choices=Role, default=Role.IMPORT)
    type = models.CharField(max_length=32, default="electricity")
    sensor_class = models.CharField("class", max_length=32, default="analog")
    function = models.CharField(max_length=64, blank=True)
    voltage = models.IntegerField(null=True, blank=True)
    current = models.IntegerField(null=True, blank=True)
    phase = models.IntegerField(null=True, blank=True)
    constant = models.CharField(max_length=16, blank=True, help_text="may be decimal")
    enabled = models.BooleanField(default=True)
    created = models.DateTimeField(auto_now_add=True)
    # what was wrong with its uploads, to be shown to its owner
    ahead_tuples = models.PositiveBigIntegerField(default=0)
    ahead_s = models.BigIntegerField(
        default=0, help_text="by how much the clock was ahead, the last time that it was"
    )
    old_tuples = models.PositiveBigIntegerField(default=0)
    conflicts = models.PositiveBigIntegerField(default=0)
    odd_tuples = models.PositiveBigIntegerField(default=0)
    trouble_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["sent_as"],
                condition=models.Q(closed=None),
                name="one_open_series_an_id",
            )
        ]

    def __str__(self):
        return self.name or self.function or self.id


class ClaimNumber(models.Model):
    """How often a device was given on (§8.3); it outlives the device's row."""

    device = models.CharField(primary_key=True, max_length=32, validators=[hex_id])
    number = models.PositiveIntegerField()


class Moved(models.Model):
    """A series that goes on in another one; noted until all of it is there (devices/lives.py)."""

    sensor = models.CharField(primary_key=True, max_length=32, validators=[hex_id])
    into = models.CharField(max_length=32, validators=[hex_id])
    since = models.BigIntegerField(help_text="unix s: what is newer moves")
    at = models.DateTimeField(default=timezone.now)


class Refusal(models.Model):
    """What a device was refused, to be shown to its owner (devices/refusals.py)."""

    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="refusals")
    sensor = models.CharField(max_length=32, blank=True)  # as it is sent
    kind = models.CharField(max_length=16)
    count = models.PositiveBigIntegerField(default=0)
    newest = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-newest"]
        constraints = [
            models.UniqueConstraint(
                fields=["device", "sensor", "kind"], name="one_refusal_of_a_kind"
            )
        ]


class Forgotten(models.Model):
    """A series that is to be removed, noted until the store has done so (devices/forgetting.py)."""

    sensor = models.CharField(primary_key=True, max_length=32, validators=[hex_id])
    gone = models.DateTimeField(null=True, blank=True)  # when the store did it


class ClaimAttempt(models.Model):
    """A wrong claim code, of which an account may enter five an hour (§8.3)."""

    account = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+"
    )
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["account", "at"])]


class Change(models.Model):
    """Tells every process that what it has cached under this key may be wrong; see changes.py."""

    kind = models.CharField(max_length=8)  # sensor, device or token
    key = models.CharField(max_length=64)
    at = models.DateTimeField(auto_now_add=True)
    transaction = models.BigIntegerField(
        db_default=TransactionNumber(), db_index=True, editable=False
    )


class SeriesFile(models.Model):
    """The series that belong to these accounts; one row."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    number = models.BigIntegerField(
        help_text="that the series' file holds as well: project/belonging.py"
    )
