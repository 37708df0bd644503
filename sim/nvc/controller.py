"""The NVC's loop: a change in one database is distributed to all of them at once.

A change of the file is, too.
"""

from __future__ import annotations

import logging
from collections.abc import Collection

import ovs.poller
import ovs.timeval

from sim.nvc import distribution
from sim.nvc.database import Database
from sim.nvc.distribution import Claims, Key, Report
from sim.nvc.file import PlanFile

LOG = logging.getLogger("nvc")

_PATIENCE = 2000
"""Milliseconds that all databases have to report before the first one is written. Only when all
have reported is it known which VTEP claimed a station last."""


class Nvc:
    """Keeps the databases of a plan as `distribution` decides."""

    def __init__(self, file: PlanFile) -> None:
        """Begin without a report."""
        self._file = file
        self._plan = file.plan
        self._databases = [Database(name, remote) for name, remote in self._plan.vteps.items()]
        self._reports: dict[str, Report] = {}
        self._claims: Claims = {}
        self._begins_at = ovs.timeval.msec() + _PATIENCE
        self._has_begun = False

    def run(self) -> None:
        """Run until a signal ends the process."""
        try:
            while True:
                self._turn()
                poller = ovs.poller.Poller()
                for database in self._databases:
                    database.wait(poller)
                self._file.wait(poller)
                if not self._has_begun:
                    poller.timer_wait_until(self._begins_at)
                poller.block()
        finally:
            for database in self._databases:
                database.close()

    def _turn(self) -> None:
        is_news = self._file.changed()
        if is_news:
            self._adopt()
        changed = [database for database in self._databases if database.run()]
        for database in changed:
            is_news |= self._take(database.name, database.report())
        if not self._has_begun:
            are_heard = len(self._reports) == len(self._databases)
            self._has_begun = are_heard or ovs.timeval.msec() >= self._begins_at
            is_news = True
        if not self._has_begun:
            return
        for database in self._databases if is_news else changed:
            name = database.name
            database.put(distribution.rows(self._plan, name, self._reports, self._claims))

    def _take(self, vtep: str, report: Report) -> bool:
        """Take a report; return whether anything in it concerns the other databases."""
        former = self._reports.get(vtep)
        self._reports[vtep] = report
        if former and _told_to_others(former) == _told_to_others(report):
            return False
        self._claim(vtep, report.stations, report.remote_stations if former is None else ())
        return True

    def _adopt(self) -> None:
        """Take the plan that the file has now. A database that it no longer names is left alone."""
        former, self._plan = self._plan, self._file.plan
        vteps = self._plan.vteps
        for name, remote in former.vteps.items():
            if vteps.get(name) != remote:
                self._reports.pop(name, None)
                self._claim(name, ())
        kept = {}
        for database in self._databases:
            if vteps.get(database.name) == former.vteps[database.name]:
                kept[database.name] = database
            else:
                database.close()
        self._databases = [kept.get(name) or Database(name, vteps[name]) for name in vteps]
        for name, report in self._reports.items():
            self._claim(name, report.stations)

    def _claim(self, vtep: str, stations: Collection[Key], outdated: Collection[Key] = ()) -> None:
        """Note what a VTEP claims now, in the logical switches that are bound there."""
        bound = self._plan.bound_at(vtep)
        found = {key for key in stations if key[0] in bound}
        claims = distribution.claimed(self._claims, vtep, found, outdated)
        self._log_moves(claims)
        self._claims = claims

    def _log_moves(self, claims: Claims) -> None:
        for key in self._claims.keys() | claims.keys():
            former, latest = _place(self._claims, key), _place(claims, key)
            if former != latest:
                LOG.info("%s in %s: %s, then %s", key[1], key[0], former, latest)


def _told_to_others(report: Report) -> object:
    return report.stations, report.ips, report.members, report.bfd_expected, report.sources


def _place(claims: Claims, key: Key) -> str:
    return claims[key][-1] if key in claims else "nowhere"
