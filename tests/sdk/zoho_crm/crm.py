"""Reaches the sandbox that SANDBOX_JSON describes, with Zoho's official CRM SDK."""

import atexit
import datetime
import itertools
import json
import os
import shutil
import tempfile
import time
import unittest
import urllib.request

from zohocrmsdk.src.com.zoho.api.authenticator.oauth_token import OAuthToken
from zohocrmsdk.src.com.zoho.api.authenticator.store.file_store import FileStore
from zohocrmsdk.src.com.zoho.api.logger import Logger
from zohocrmsdk.src.com.zoho.crm.api import HeaderMap, Initializer, ParameterMap, SDKConfig
from zohocrmsdk.src.com.zoho.crm.api.dc import DataCenter
from zohocrmsdk.src.com.zoho.crm.api.record import BodyWrapper, Record, RecordOperations
from zohocrmsdk.src.com.zoho.crm.api.util import Choice

SANDBOX = json.loads(os.environ.get("SANDBOX_JSON", "null"))
if not SANDBOX:
    raise SystemExit("SANDBOX_JSON is not set: expected the line that `attio-billing sandbox --json` prints")
OWN = SANDBOX["zoho"]
COUNT = itertools.count(1)
FOLDER = tempfile.mkdtemp()
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)

# The SDK has a place for other addresses: an environment of one's own.
Initializer.initialize(
    environment=DataCenter.Environment(OWN["api_url"], OWN["accounts_url"] + "/oauth/v2/token", OWN["api_url"]),
    token=OAuthToken(client_id=OWN["client_id"], client_secret=OWN["client_secret"],
                     refresh_token=OWN["refresh_token"], find_user=False),
    store=FileStore(os.path.join(FOLDER, "tokens.csv")),
    sdk_config=SDKConfig(auto_refresh_fields=False, pick_list_validation=False),
    resource_path=FOLDER,
    logger=Logger.get_instance(level=Logger.Levels.CRITICAL, file_path=os.path.join(FOLDER, "sdk.log")),
)


def control(path, body):
    """A call to the sandbox's control API."""
    request = urllib.request.Request(SANDBOX["control_url"] + path, json.dumps(body).encode(),
                                     {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        return json.loads(answer.read() or b"null")


def staff(**act):
    """An act of a person at CRM's own pages."""
    return control("/staff", {"vendor": "zoho_crm"} | act)


def indexed():
    """Lets the search index catch up."""
    control("/clock", {"advance": "PT10S"})


def unique(word):
    """A name nobody has used before."""
    return f"{word}-{os.getpid()}-{time.time_ns():x}-{next(COUNT)}"


def record(**values):
    """A record of the SDK with these fields; `id` is its id."""
    made = Record()
    for name, value in values.items():
        if name == "id":
            made.set_id(value)
        else:
            made.add_key_value(name, value)
    return made


def refer(number):
    """A look-up to the record with this id."""
    return record(id=number)


def body(*records, trigger=(), check=None):
    """What a write brings."""
    made = BodyWrapper()
    made.set_data(list(records))
    made.set_trigger(list(trigger))
    if check is not None:
        made.set_duplicate_check_fields(check)
    return made


def params(*pairs):
    """Parameters of a query: the SDK's own objects with their values."""
    made = ParameterMap()
    for param, value in pairs:
        made.add(param, value)
    return made


def headers(*pairs):
    """Headers, likewise."""
    made = HeaderMap()
    for header, value in pairs:
        made.add(header, value)
    return made


def deal(account=None, contact=None, **values):
    """A deal's required fields, and more."""
    links = {}
    if account:
        links["Account_Name"] = refer(account)
    if contact:
        links["Contact_Name"] = refer(contact)
    fields = {"Deal_Name": unique("deal"), "Stage": Choice("Qualification"), "Closing_Date": datetime.date(2026, 11, 21)}
    return record(**(fields | links | values))


class Crm(unittest.TestCase):
    """What the tests say over and over."""

    def done(self, answer, status=200):
        """The results of a write, all of which succeeded."""
        self.assertEqual(answer.get_status_code(), status)
        results = answer.get_object().get_data()
        for result in results:
            self.assertEqual(result.get_status().get_value(), "success", getattr(result, "get_details")())
        return results

    def failed(self, result, code, api_name=None):
        """One record's error, and its details."""
        self.assertEqual((result.get_status().get_value(), result.get_code().get_value()), ("error", code))
        if api_name:
            self.assertEqual(result.get_details()["api_name"], api_name)
        return result.get_details()

    def create(self, module, made):
        """Makes a record; its id."""
        [result] = self.done(RecordOperations(module).create_records(body(made)), 201)
        return int(result.get_details()["id"])

    def contact(self, **values):
        return self.create("Contacts", record(**({"Last_Name": unique("Doe")} | values)))

    def read(self, module, number):
        """A record as it is now."""
        answer = RecordOperations(module).get_record(number)
        self.assertEqual(answer.get_status_code(), 200)
        [found] = answer.get_object().get_data()
        return found

    def tags(self, module, number):
        """The names of a record's tags."""
        return [tag.get_name() for tag in self.read(module, number).get_tag() or []]
