"""Searches, counts and queries, as Zoho's official CRM SDK sends them."""

import unittest

from zohocrmsdk.src.com.zoho.crm.api.coql import BodyWrapper, CoqlOperations
from zohocrmsdk.src.com.zoho.crm.api.record import RecordCountParam, RecordOperations, SearchRecordsParam

from crm import Crm, deal, indexed, params, record, refer, unique

CONTACTS = RecordOperations("Contacts")


def query(text):
    made = BodyWrapper()
    made.set_select_query(text)
    return CoqlOperations().get_records(made)


class Searches(Crm):
    """Over an index that lags."""

    def search(self, param, value):
        answer = CONTACTS.search_records(params((param, value)))
        return [] if answer.get_status_code() == 204 else [one.get_id() for one in answer.get_object().get_data()]

    def test_a_new_contact_is_found_once_the_index_has_caught_up(self):
        mail = unique("m") + "@example.org"
        contact = self.contact(Email=mail)
        self.assertEqual(self.search(SearchRecordsParam.email, mail), [])
        indexed()
        self.assertEqual(self.search(SearchRecordsParam.email, mail.upper()), [contact])

    def test_contacts_are_found_by_phone_word_and_criteria(self):
        name, key = unique("Sought"), unique("user")
        contact = self.contact(Last_Name=name, Phone="+1 555 0100", Platform_User_Id=key, First_Name="Comma, (Ada)")
        indexed()
        self.assertIn(contact, self.search(SearchRecordsParam.phone, "+1 555 0100"))
        self.assertEqual(self.search(SearchRecordsParam.word, name), [contact])
        for criteria in (
            f"(Platform_User_Id:equals:{key})",
            f"((Last_Name:starts_with:{name[:12]})and(Platform_User_Id:equals:{key}))",
            f"((Platform_User_Id:in:{key},nobody)or(Last_Name:equals:nobody))",
            f"((First_Name:equals:Comma\\, \\(Ada\\))and(Platform_User_Id:equals:{key}))",
        ):
            self.assertEqual(self.search(SearchRecordsParam.criteria, criteria), [contact], criteria)

    def test_criteria_that_cannot_be_read_are_refused(self):
        for criteria in ("(Nonsense:equals:x)", "(Last_Name:sounds_like:x)", "((Last_Name:equals:x)", "(Created_Time:equals:x)"):
            answer = CONTACTS.search_records(params((SearchRecordsParam.criteria, criteria)))
            self.assertEqual(answer.get_status_code(), 400, criteria)
            self.assertEqual(answer.get_object().get_code().get_value(), "INVALID_QUERY")

    def test_records_are_counted(self):
        name = unique("counted")
        self.contact(Last_Name=name)
        self.contact(Last_Name=name)
        answer = CONTACTS.record_count(params((RecordCountParam.criteria, f"(Last_Name:equals:{name})")))
        self.assertEqual(int(answer.get_object().get_count()), 2)


class Queries(Crm):
    """COQL: reads what was just written."""

    def rows(self, text):
        answer = query(text)
        self.assertEqual(answer.get_status_code(), 200, text)
        return answer.get_object()

    def test_a_contact_is_queried_by_our_key_at_once(self):
        key = unique("user")
        contact = self.contact(Last_Name="O'Neil", Platform_User_Id=key)
        [found] = self.rows(f"select id, Last_Name from Contacts where Platform_User_Id = '{key}' limit 1").get_data()
        self.assertEqual((found.get_id(), found.get_key_value("Last_Name")), (contact, "O'Neil"))
        self.rows(f"select id from Contacts where Last_Name = 'O\\'Neil' and Platform_User_Id = '{key}'")

    def test_deals_are_queried_through_their_lookups_sorted_and_paged(self):
        account = self.create("Accounts", record(Account_Name=unique("Acme"), Billing_Account_Id=unique("acc")))
        deals = [self.create("Deals", deal(account, Amount=amount)) for amount in (5.5, 100.0, 20.25)]
        where = f"where Account_Name = '{account}' and Amount > 1"
        found = self.rows(f"select Deal_Name, Amount, Account_Name.Account_Name from Deals {where} order by Amount desc limit 2")
        self.assertEqual([one.get_id() for one in found.get_data()], [deals[1], deals[2]])
        self.assertTrue(found.get_info().get_more_records())
        rest = self.rows(f"select id from Deals {where} order by Amount desc limit 2, 2")
        self.assertEqual([one.get_id() for one in rest.get_data()], [deals[0]])
        self.assertFalse(rest.get_info().get_more_records())

    def test_operators_mean_what_they_say(self):
        name = unique("op")
        one = self.contact(Last_Name=name + "-a", Email="a@example.org")
        two = self.contact(Last_Name=name + "-b")
        for condition, expected in (
            ("Email is null", [two]), ("Email is not null", [one]), (f"Last_Name in ('{name}-a','{name}-b')", [one, two]),
            (f"Last_Name not like '%-b'", [one]), (f"(Email = 'a@example.org' or Last_Name like '%-b')", [one, two]),
            (f"Last_Name between '{name}-a' and '{name}-aa'", [one]),
        ):
            found = self.rows(f"select id from Contacts where Last_Name like '{name}%' and {condition} order by id asc")
            self.assertEqual([row.get_id() for row in found.get_data()], expected, condition)

    def test_nothing_found_is_no_content(self):
        self.assertEqual(query(f"select id from Contacts where Last_Name = '{unique('nobody')}'").get_status_code(), 204)

    def test_queries_that_cannot_be_answered_say_why(self):
        for text, code in (
            ("select id from Contacts", "SYNTAX_ERROR"),
            ("select id from Contacts where Last_Name ~ 'x'", "SYNTAX_ERROR"),
            ("select Nonsense from Contacts where id is not null", "INVALID_QUERY"),
            ("select id from Nonsense where id is not null", "INVALID_QUERY"),
            ("select id from Deals where Amount = 'many'", "INVALID_QUERY"),
            ("select Last_Name as x, Email as x from Contacts where id is not null", "DUPLICATE_ALIAS"),
            ("select id from Contacts where id is not null limit 5000", "LIMIT_EXCEEDED"),
        ):
            answer = query(text)
            self.assertEqual(answer.get_status_code(), 400, text)
            self.assertEqual(answer.get_object().get_code().get_value(), code, text)


if __name__ == "__main__":
    unittest.main()
