"""Reaches the sandbox that SANDBOX_JSON describes, with an independent client of Attio: one generated from the document
that Attio publishes."""

import itertools
import json
import os
import time
import unittest
import urllib.request

from attio import SDK

SANDBOX = json.loads(os.environ.get("SANDBOX_JSON", "null"))
if not SANDBOX:
    raise SystemExit("SANDBOX_JSON is not set: expected the line that `attio-billing sandbox --json` prints")
OWN = SANDBOX["attio"]
COUNT = itertools.count(1)
CALLED = set()


class Watched:
    """The client as it is, with note taken of which of its methods are called."""

    def __init__(self, target, path=""):
        self._target, self._path = target, path

    def __getattr__(self, name):
        own = getattr(self._target, name)
        if not self._path:
            return Watched(own, name)

        def call(*args, **named):
            CALLED.add(f"{self._path}.{name}")
            return own(*args, **named)

        return call


def client(key=OWN["api_key"]):
    """A client with the workspace's key, or another."""
    return Watched(SDK(oauth2=key, server_url=OWN["base_url"]))


def did(method, meaning):
    """Says what the assertions above have just shown of a method: one operation of the suite.

    It must have been called since it was last said of it.
    """
    assert method in CALLED, f"{method} was not called, so it cannot have been shown that it {meaning}"
    CALLED.remove(method)
    if log := os.environ.get("OPERATIONS"):
        with open(log, "a", encoding="utf-8") as operations:
            operations.write(f"{method}: {meaning}\n")


def control(path, body=None, method="POST"):
    """An order to the sandbox itself."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(SANDBOX["control_url"] + path, data, {"Content-Type": "application/json"},
                                     method=method)
    with urllib.request.urlopen(request) as answer:
        return json.loads(answer.read() or b"null")


def unique(word):
    """A slug nobody has used before."""
    return f"{word}_{os.getpid()}_{time.time_ns():x}_{next(COUNT)}"


class Workspace(unittest.TestCase):
    """What the tests say over and over."""

    @classmethod
    def setUpClass(cls):
        # Attio's limits of a second are for another test: these calls come as fast as they can.
        control("/limits", {"hold": False, "vendor": "attio"})
        cls.attio = client()

    @classmethod
    def tearDownClass(cls):
        control("/limits", {"hold": True, "vendor": "attio"})

    def object(self):
        """Makes an object; its slug."""
        slug = unique("thing")
        self.attio.objects.post_v2_objects(data={"api_slug": slug, "singular_noun": slug, "plural_noun": slug + "s"})
        return slug

    def attribute(self, owner, slug, kind="text", **changes):
        """Makes an attribute of an object."""
        data = {"title": slug, "description": None, "api_slug": slug, "type": kind, "is_required": False,
                "is_unique": False, "is_multiselect": False, "config": {}} | changes
        return self.attio.attributes.post_v2_target_identifier_attributes(
            target="objects", identifier=owner, data=data).data

    def create(self, owner, **values):
        """Makes a record; its id."""
        made = self.attio.records.post_v2_objects_object_records(object=owner, data={"values": values})
        return made.data.id.record_id

    def read(self, owner, record):
        """A record's values as it is now."""
        return self.attio.records.get_v2_objects_object_records_record_id_(object=owner, record_id=record).data.values

    def query(self, owner, **order):
        """Ids of the records that a query finds."""
        found = self.attio.records.post_v2_objects_object_records_query(object=owner, **order)
        return [record.id.record_id for record in found.data]

    def member(self):
        """Id of a workspace member."""
        return self.attio.workspace_members.get_v2_workspace_members().data[0].id.workspace_member_id
