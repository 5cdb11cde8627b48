# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads and writes rows of the platform's tables as an operator at the database would."""

from django.apps import apps


def _objects(model: str, where: dict):
    return apps.get_model(model).objects.filter(**where)


def values(model: str, fields: list[str], where: dict, order: list[str]) -> list[list]:
    return [list(row) for row in _objects(model, where).order_by(*order).values_list(*fields)]


def count(model: str, where: dict) -> int:
    return _objects(model, where).count()


def create(model: str, rows: list[dict]) -> list:
    """Make rows without the checks of forms; return their keys."""
    kind = apps.get_model(model)
    return [row.pk for row in kind.objects.bulk_create([kind(**fields) for fields in rows])]


def update(model: str, changes: dict, where: dict) -> int:
    return _objects(model, where).update(**changes)


def delete(model: str, where: dict) -> None:
    _objects(model, where).delete()
