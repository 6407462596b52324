"""Records, as Zoho's official CRM SDK writes and reads them."""

import datetime
import unittest

from zohocrmsdk.src.com.zoho.crm.api.record import (
    DeleteRecordsParam, DeleteRecordUsingExternalIDHeader, GetDeletedRecordsParam, GetRecordHeader, GetRecordParam, GetRecordsParam,
    GetRecordUsingExternalIDHeader, RecordOperations, UpdateRecordUsingExternalIDHeader,
)
from zohocrmsdk.src.com.zoho.crm.api.exception import SDKException
from zohocrmsdk.src.com.zoho.crm.api.util import Choice

from crm import Crm, body, deal, headers, params, record, refer, staff, unique

CONTACTS = RecordOperations("Contacts")


class Records(Crm):
    """One by one and in batches."""

    def test_a_contact_is_made_read_changed_and_deleted(self):
        contact = self.contact(Last_Name="L & <M> é", First_Name="Ada", Email="ada@example.org")
        found = self.read("Contacts", contact)
        self.assertEqual((found.get_key_value("Full_Name"), found.get_id()), ("Ada L & <M> é", contact))
        self.done(CONTACTS.update_record(contact, body(record(Phone="+49 30 123", First_Name=None))))
        found = self.read("Contacts", contact)
        self.assertEqual((found.get_key_value("Phone"), found.get_key_value("Email")), ("+49 30 123", "ada@example.org"))
        self.assertIsInstance(found.get_created_time(), datetime.datetime)
        self.assertEqual(found.get_created_by().get_name(), "Billing Integration")
        self.done(CONTACTS.delete_record(contact))
        self.assertEqual(CONTACTS.get_record(contact).get_status_code(), 204)

    def test_an_account_a_contact_and_a_deal_refer_to_each_other(self):
        account = self.create("Accounts", record(Account_Name=unique("Acme")))
        contact = self.contact(Account_Name=refer(account))
        number = self.create("Deals", deal(account, contact, Amount=600.25, Stage=Choice("Closed Won")))
        found = self.read("Deals", number)
        self.assertEqual(found.get_key_value("Account_Name").get_id(), account)
        self.assertEqual(found.get_key_value("Contact_Name").get_id(), contact)
        self.assertEqual(found.get_key_value("Amount"), 600.25)
        self.assertEqual(found.get_key_value("Stage").get_value(), "Closed Won")
        self.assertEqual(found.get_key_value("Pipeline").get_value(), "Standard (Standard)")
        self.assertEqual(found.get_key_value("Closing_Date"), datetime.date(2026, 11, 21))

    def test_a_read_names_its_fields(self):
        contact = self.contact(Email="ada@example.org", Phone="030")
        answer = CONTACTS.get_record(contact, params((GetRecordParam.fields, "Email,Tag")))
        [found] = answer.get_object().get_data()
        self.assertEqual(found.get_key_value("Email"), "ada@example.org")
        self.assertNotIn("Phone", found.get_key_values())

    def test_what_did_not_change_since_is_not_sent_again(self):
        contact = self.contact()
        # The other suites have moved the clock of this sandbox.
        later = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=20_000)
        answer = CONTACTS.get_record(contact, None, headers((GetRecordHeader.if_modified_since, later)))
        self.assertEqual(answer.get_status_code(), 304)

    def test_each_record_of_a_batch_has_its_own_result_in_its_order(self):
        answer = CONTACTS.create_records(body(
            record(Last_Name="One"), record(First_Name="Nameless"), record(Last_Name="Three", Email="no address"),
            record(Last_Name="Four", Nonsense="x"), record(Last_Name="Five"),
        ))
        self.assertEqual(answer.get_status_code(), 207)
        one, two, three, four, five = answer.get_object().get_data()
        self.assertEqual([r.get_code().get_value() for r in (one, five)], ["SUCCESS", "SUCCESS"])
        self.assertEqual(self.failed(two, "MANDATORY_NOT_FOUND", "Last_Name")["json_path"], "$.data[1].Last_Name")
        self.assertEqual(self.failed(three, "INVALID_DATA", "Email")["expected_data_type"], "email")
        self.failed(four, "INVALID_DATA", "Nonsense")

    def test_a_batch_of_a_hundred_is_taken_and_one_more_is_not(self):
        def batch(size):
            return CONTACTS.create_records(body(*[record(Last_Name=unique("many")) for _ in range(size)]))
        results = self.done(batch(100), 201)
        self.assertEqual(len({result.get_details()["id"] for result in results}), 100)
        answer = batch(101)
        self.assertEqual(answer.get_status_code(), 400)
        self.assertEqual(answer.get_object().get_code().get_value(), "LIMIT_EXCEEDED")

    def test_several_records_are_changed_and_deleted_in_one_call(self):
        one, two = self.contact(), self.contact()
        answer = CONTACTS.update_records(body(record(id=one, Phone="1"), record(id=two, Phone="2"), record(id=3, Phone="3")))
        self.assertEqual(answer.get_status_code(), 207)
        self.failed(answer.get_object().get_data()[2], "INVALID_DATA")
        self.assertEqual(self.read("Contacts", two).get_key_value("Phone"), "2")
        gone = CONTACTS.delete_records(params((DeleteRecordsParam.ids, f"{one},{two}")))
        self.done(gone)
        answer = CONTACTS.get_deleted_records(params((GetDeletedRecordsParam.type, "recycle")))
        deleted = {found.get_id(): found for found in answer.get_object().get_data()}
        self.assertIn(two, deleted)
        self.assertEqual(deleted[one].get_deleted_by().get_name(), "Billing Integration")

    def test_an_unknown_id_is_the_records_error(self):
        answer = CONTACTS.update_record(4, body(record(Phone="1")))
        self.assertEqual(answer.get_status_code(), 400)
        self.failed(answer.get_object().get_data()[0], "INVALID_DATA")

    def test_an_unknown_module_is_refused(self):
        # The SDK reads the module's fields first, and says what came of that.
        with self.assertRaisesRegex(SDKException, "INVALID_MODULE"):
            RecordOperations("Nonsense").get_records(params((GetRecordsParam.fields, "id")))

    def test_a_stage_outside_the_pipeline_is_refused(self):
        answer = RecordOperations("Deals").create_records(body(deal(Stage=Choice("Nowhere"))))
        self.failed(answer.get_object().get_data()[0], "INVALID_DATA", "Stage")

    def test_a_locked_record_and_one_in_a_blueprint_are_left_alone(self):
        contact = self.contact()
        staff(act="mark_record", id=str(contact), locked=True)
        self.failed(CONTACTS.update_record(contact, body(record(Phone="1"))).get_object().get_data()[0], "RECORD_LOCKED")
        number = self.create("Deals", deal())
        staff(act="mark_record", id=str(number), in_blueprint=True)
        moved = body(record(Stage=Choice("Closed Won")))
        answer = RecordOperations("Deals").update_record(number, moved)
        self.failed(answer.get_object().get_data()[0], "RECORD_IN_BLUEPRINT", "Stage")


class Upserts(Crm):
    """Insert or update, by a field."""

    def upsert(self, *records, check=("Platform_User_Id",)):
        return CONTACTS.upsert_records(body(*records, check=list(check)))

    def test_the_second_upsert_of_a_key_updates(self):
        key = unique("user")
        [first] = self.done(self.upsert(record(Last_Name="Doe", Platform_User_Id=key)))
        [second] = self.done(self.upsert(record(Last_Name="Roe", Platform_User_Id=key)))
        self.assertEqual((first.get_action().get_value(), second.get_action().get_value()), ("insert", "update"))
        self.assertEqual(second.get_duplicate_field(), "Platform_User_Id")
        self.assertEqual(first.get_details()["id"], second.get_details()["id"])

    def test_our_key_alone_never_finds_another_persons_mail(self):
        mail = unique("mail") + "@example.org"
        other = self.contact(Email=mail)
        [made] = self.done(self.upsert(record(Last_Name="Doe", Email=mail, Platform_User_Id=unique("user"))))
        self.assertEqual(made.get_action().get_value(), "insert")
        [default] = self.done(CONTACTS.upsert_records(body(record(Last_Name="Doe", Email=mail))))
        self.assertEqual((int(default.get_details()["id"]), default.get_duplicate_field()), (other, "Email"))

    def test_a_duplicate_names_the_record_that_is_there(self):
        key = unique("user")
        there = self.contact(Platform_User_Id=key)
        answer = CONTACTS.create_records(body(record(Last_Name="Doe", Platform_User_Id=key)))
        details = self.failed(answer.get_object().get_data()[0], "DUPLICATE_DATA", "Platform_User_Id")
        found = details["duplicate_record"]
        number = found["id"] if isinstance(found, dict) else found.get_id()
        self.assertEqual(int(number), there)

    def test_good_and_bad_records_of_an_upsert_are_told_apart(self):
        answer = self.upsert(record(Last_Name="Doe", Platform_User_Id=unique("user")), record(Platform_User_Id=unique("user")))
        self.assertEqual(answer.get_status_code(), 207)
        good, bad = answer.get_object().get_data()
        self.assertEqual(good.get_code().get_value(), "SUCCESS")
        self.failed(bad, "MANDATORY_NOT_FOUND", "Last_Name")

    def test_a_field_that_is_not_unique_cannot_check_for_duplicates(self):
        answer = self.upsert(record(Last_Name="Doe"), check=("Phone",))
        self.assertEqual(answer.get_status_code(), 400)
        self.assertEqual(answer.get_object().get_code().get_value(), "INVALID_DATA")

    def test_records_are_addressed_by_their_external_id(self):
        key, field = unique("user"), "Contacts.Platform_User_Id"
        contact = self.contact(Platform_User_Id=key)
        answer = CONTACTS.get_record_using_external_id(key, None, headers((GetRecordUsingExternalIDHeader.x_external, field)))
        self.assertEqual(answer.get_object().get_data()[0].get_id(), contact)
        head = headers((UpdateRecordUsingExternalIDHeader.x_external, field))
        [result] = self.done(CONTACTS.update_record_using_external_id(key, body(record(Phone="5")), head))
        self.assertEqual(int(result.get_details()["id"]), contact)
        head = headers((DeleteRecordUsingExternalIDHeader.x_external, field))
        self.done(CONTACTS.delete_record_using_external_id(key, None, head))
        answer = CONTACTS.get_record_using_external_id(key, None, headers((GetRecordUsingExternalIDHeader.x_external, field)))
        self.assertEqual(answer.get_status_code(), 400)
        self.assertEqual(answer.get_object().get_message().get_value(), "The value of the external field is invalid.")


class Lists(Crm):
    """Pages of records."""

    def test_a_list_is_read_page_by_page(self):
        leads = RecordOperations("Leads")
        made = {self.create("Leads", record(Last_Name=unique("lead"))) for _ in range(5)}
        seen, token, pages = [], None, 0
        while True:
            asked = [(GetRecordsParam.fields, "Last_Name"), (GetRecordsParam.per_page, 2)]
            answer = leads.get_records(params(*asked, *([(GetRecordsParam.page_token, token)] if token else [])))
            seen += [found.get_id() for found in answer.get_object().get_data()]
            info = answer.get_object().get_info()
            pages += 1
            self.assertEqual(info.get_page(), pages)
            if not info.get_more_records():
                break
            token = info.get_next_page_token()
        self.assertTrue(made <= set(seen))
        self.assertEqual(len(seen), len(set(seen)))

    def test_a_list_is_sorted_as_asked(self):
        one, two = self.contact(), self.contact()
        def listed(order):
            asked = params((GetRecordsParam.fields, "Last_Name"), (GetRecordsParam.ids, f"{one},{two}"),
                           (GetRecordsParam.sort_by, "id"), (GetRecordsParam.sort_order, order))
            return [found.get_id() for found in CONTACTS.get_records(asked).get_object().get_data()]
        self.assertEqual((listed("asc"), listed("desc")), ([one, two], [two, one]))

    def test_a_list_must_name_its_fields(self):
        answer = CONTACTS.get_records()
        self.assertEqual(answer.get_status_code(), 400)
        self.assertEqual(answer.get_object().get_code().get_value(), "REQUIRED_PARAM_MISSING")

    def test_pages_beyond_two_thousand_need_a_token(self):
        answer = CONTACTS.get_records(params((GetRecordsParam.fields, "id"), (GetRecordsParam.page, 11)))
        self.assertEqual(answer.get_object().get_code().get_value(), "DISCRETE_PAGINATION_LIMIT_EXCEEDED")


if __name__ == "__main__":
    unittest.main()
