# SPDX-License-Identifier: GPL-3.0-or-later
"""Devices and sensors for operators.

Keys and claim codes are not shown: anyone who holds one can take the device.
"""

from django.contrib import admin

from flukso_server.devices.models import Device, Heartbeat, Sensor
from flukso_server.devices.removal import remove_devices, remove_sensors
from flukso_server.project.stores import forget

_REPORTED = (
    "sign_required",
    "seen",
    "version",
    "uptime_s",
    "mem_total_kb",
    "mem_free_kb",
    "mem_cached_kb",
    "mem_buffers_kb",
    "resets",
)


@admin.register(Device)
class DeviceAdmin(admin.ModelAdmin):
    list_display = ("id", "name", "owner", "seen", "version", "resets")
    list_select_related = ("owner",)
    list_filter = (("owner", admin.EmptyFieldListFilter), "version")
    search_fields = ("id", "name", "owner__username")
    raw_id_fields = ("owner",)
    readonly_fields = ("id", "imported", "created", "claimed", "rekey_until", *_REPORTED)
    exclude = ("sealed_key", "claim_code", "beat_time", "origin", "site", "block")

    def has_add_permission(self, request):
        return False

    def delete_model(self, request, obj):
        remove_devices(Device.objects.filter(pk=obj.pk), forget)

    def delete_queryset(self, request, queryset):
        remove_devices(queryset, forget)


@admin.register(Sensor)
class SensorAdmin(admin.ModelAdmin):
    list_display = (
        "id",
        "name",
        "device",
        "type",
        "enabled",
        "ahead_tuples",
        "old_tuples",
        "conflicts",
    )
    list_select_related = ("device",)
    list_filter = ("type", "enabled")
    search_fields = ("id", "sent_as", "name", "function", "device__id")
    raw_id_fields = ("device", "released_by")
    readonly_fields = (
        "id",
        "created",
        "sent_as",
        "begins",
        "closed",
        "bound",
        "proven",
        "ahead_tuples",
        "ahead_s",
        "old_tuples",
        "conflicts",
        "odd_tuples",
        "trouble_at",
    )

    def has_add_permission(self, request):
        return False

    def delete_model(self, request, obj):
        remove_sensors(Sensor.objects.filter(pk=obj.pk), forget)

    def delete_queryset(self, request, queryset):
        remove_sensors(queryset, forget)


@admin.register(Heartbeat)
class HeartbeatAdmin(admin.ModelAdmin):
    list_display = ("device", "at", "uptime_s", "mem_free_kb", "reset")
    date_hierarchy = "at"
    raw_id_fields = ("device",)

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False
