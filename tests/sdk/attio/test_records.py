"""Records: values of every type, upserts, queries, histories, as an independent client of Attio writes and reads them."""

import unittest
import uuid

from attio import errors

from workspace import Workspace, did, unique

PLACE = ["line_1", "line_2", "line_3", "line_4", "locality", "region", "postcode", "country_code", "latitude", "longitude"]


class Values(Workspace):
    """Each type, written and read."""

    def test_values_of_each_type_are_read_as_they_were_written(self):
        owner = self.object()
        person = self.create("people", email_addresses=[f"{unique('ada')}@example.org"])
        member = self.member()
        for slug, kind, written, name, read in [
            ("a_text", "text", "L & <M> é", "value", "L & <M> é"),
            ("a_number", "number", 3.25, "value", 3.25),
            ("a_flag", "checkbox", True, "value", True),
            ("a_day", "date", "2026-12-01", "value", "2026-12-01"),
            ("a_time", "timestamp", "2026-11-21T10:00:00Z", "value", "2026-11-21T10:00:00.000000000Z"),
            ("a_rating", "rating", 4, "value", 4.0),
            ("a_domain", "domain", "www.acme.com", "root_domain", "acme.com"),
            ("an_address", "email-address", "Ada@Example.org", "email_domain", "example.org"),
            ("a_phone", "phone-number", {"original_phone_number": "+15558675309", "country_code": "US"}, "country_code", "US"),
            ("a_place", "location", dict.fromkeys(PLACE) | {"locality": "Berlin"}, "locality", "Berlin"),
            ("an_actor", "actor-reference", {"referenced_actor_type": "workspace-member", "referenced_actor_id": member},
             "referenced_actor_id", member),
        ]:
            with self.subTest(kind):
                self.attribute(owner, slug, kind)
                found = self.read(owner, self.create(owner, **{slug: [written]}))
                [value] = found[slug]
                self.assertEqual((value.attribute_type, str(getattr(value, name))), (kind, str(read)))
                did("records.post_v2_objects_object_records", f"writes a value of type {kind}")
        self.attribute(owner, "an_amount", "currency",
                       config={"currency": {"default_currency_code": "EUR", "display_type": "code"}})
        self.attribute(owner, "a_person", "record-reference", config={"record_reference": {"allowed_objects": ["people"]}})
        link = {"target_object": "people", "target_record_id": person}
        found = self.read(owner, self.create(owner, an_amount=[49.5], a_person=[link]))
        self.assertEqual((found["an_amount"][0].currency_value, found["an_amount"][0].currency_code), (49.5, "EUR"))
        self.assertEqual(found["a_person"][0].target_record_id, person)
        did("records.post_v2_objects_object_records", "writes an amount in the attribute's currency, and a reference")
        did("records.get_v2_objects_object_records_record_id_", "reads values of every type")

    def test_several_values_are_added_by_one_way_and_replaced_by_the_other(self):
        owner = self.object()
        self.attribute(owner, "tags", "select", is_multiselect=True)
        for title in ("a", "b", "c"):
            self.attio.attributes.post_v2_target_identifier_attributes_attribute_options(
                target="objects", identifier=owner, attribute="tags", data={"title": title})
        record = self.create(owner, tags=["a"])

        def titles():
            return {value.option.title for value in self.read(owner, record)["tags"]}

        place = {"object": owner, "record_id": record}
        self.attio.records.patch_v2_objects_object_records_record_id_(**place, data={"values": {"tags": ["b"]}})
        self.assertEqual(titles(), {"a", "b"})
        did("records.patch_v2_objects_object_records_record_id_", "adds to several values")
        self.attio.records.put_v2_objects_object_records_record_id_(**place, data={"values": {"tags": ["c"]}})
        self.assertEqual(titles(), {"c"})
        did("records.put_v2_objects_object_records_record_id_", "replaces several values")

    def test_an_unknown_option_is_refused(self):
        owner = self.object()
        self.attribute(owner, "kind", "select")
        with self.assertRaises(errors.PostV2ObjectsObjectRecordsInvalidRequestError) as refused:
            self.create(owner, kind=["Nothing"])
        self.assertEqual((refused.exception.status_code, refused.exception.data.code), (400, "value_not_found"))
        did("records.post_v2_objects_object_records", "refuses an unknown option")

    def test_a_history_shows_what_was_there(self):
        owner = self.object()
        self.attribute(owner, "word")
        record = self.create(owner, word=["one"])
        place = {"object": owner, "record_id": record}
        self.attio.records.patch_v2_objects_object_records_record_id_(**place, data={"values": {"word": ["two"]}})
        history = self.attio.records.get_v2_objects_object_records_record_id_attributes_attribute_values
        now = history(**place, attribute="word").data
        self.assertEqual([value.value for value in now], ["two"])
        did("records.get_v2_objects_object_records_record_id_attributes_attribute_values", "shows what is there")
        every = history(**place, attribute="word", show_historic=True).data
        self.assertEqual([(value.value, value.active_until is None) for value in every], [("one", False), ("two", True)])
        self.assertEqual(every[0].active_until, every[1].active_from)
        did("records.get_v2_objects_object_records_record_id_attributes_attribute_values", "shows what was there")


class Records(Workspace):
    """Made, upserted, found, merged, deleted."""

    def things(self):
        """An object with a unique text."""
        owner = self.object()
        self.attribute(owner, "external_id", is_unique=True)
        self.attribute(owner, "word")
        return owner

    def upsert(self, owner, by="external_id", **values):
        return self.attio.records.put_v2_objects_object_records(
            object=owner, matching_attribute=by, data={"values": values}).data

    def test_an_upsert_makes_once_and_changes_from_then_on(self):
        owner = self.things()
        first = self.upsert(owner, external_id=["x"], word=["one"])
        did("records.put_v2_objects_object_records", "makes a record")
        again = self.upsert(owner, external_id=["x"], word=["two"])
        self.assertEqual((again.id, again.created_at), (first.id, first.created_at))
        self.assertEqual(again.values["word"][0].value, "two")
        did("records.put_v2_objects_object_records", "changes the record that it made")
        self.assertEqual(len(self.query(owner)), 1)

    def test_people_and_companies_are_known_by_address_and_domain(self):
        address, domain = f"{unique('ada')}@example.org", f"{unique('acme').replace('_', '-')}.com"
        person = self.upsert("people", "email_addresses", email_addresses=[address],
                             name=[{"first_name": "Ada", "last_name": "L", "full_name": "Ada L"}])
        self.assertEqual(person.values["name"][0].full_name, "Ada L")
        self.assertEqual(self.upsert("people", "email_addresses", email_addresses=[address]).id, person.id)
        did("records.put_v2_objects_object_records", "knows a person by an address")
        company = self.upsert("companies", "domains", domains=[domain], name=["Acme"])
        self.assertEqual(self.upsert("companies", "domains", domains=[domain]).id, company.id)
        did("records.put_v2_objects_object_records", "knows a company by a domain")

    # The client's document lists neither of these codes: it cannot read what Attio was seen to answer, and says so.
    def test_refusals_that_no_document_lists_are_told_as_they_are(self):
        owner = self.things()
        self.create(owner, external_id=["x"])
        for code, act in [
            ("uniqueness_conflict", lambda: self.create(owner, external_id=["x"])),
            ("matching_attribute_definition_not_unique", lambda: self.upsert(owner, "word", word=["one"])),
            ("unknown_filter_attribute_slug", lambda: self.query(owner, filter_={"nothing": "x"})),
        ]:
            with self.subTest(code), self.assertRaises(errors.ResponseValidationError) as refused:
                act()
            self.assertEqual(refused.exception.status_code, 400)
            self.assertIn(code, refused.exception.body)
        did("records.post_v2_objects_object_records", "refuses a unique value that is taken")
        did("records.put_v2_objects_object_records", "refuses to match by what is not unique")
        did("records.post_v2_objects_object_records_query", "refuses an unknown attribute")

    def test_a_query_filters_sorts_and_pages(self):
        owner = self.things()
        ids = [self.create(owner, external_id=[f"x{at}"], word=["odd" if at % 2 else "even"]) for at in range(5)]
        self.assertEqual(self.query(owner, filter_={"external_id": "x3"}), [ids[3]])
        did("records.post_v2_objects_object_records_query", "filters by a value")
        either = {"$or": [{"external_id": {"$eq": "x0"}}, {"external_id": {"$eq": "x4"}}]}
        self.assertEqual(set(self.query(owner, filter_=either)), {ids[0], ids[4]})
        did("records.post_v2_objects_object_records_query", "filters by one of several")
        both = {"$and": [{"word": {"$eq": "odd"}}, {"external_id": {"$starts_with": "x1"}}]}
        self.assertEqual(self.query(owner, filter_=both), [ids[1]])
        did("records.post_v2_objects_object_records_query", "filters by all of several")
        newest = [{"attribute": "created_at", "direction": "desc"}]
        self.assertEqual(self.query(owner, sorts=newest), ids[::-1])
        did("records.post_v2_objects_object_records_query", "sorts")
        pages = [self.query(owner, sorts=newest, limit=2, offset=at) for at in (0, 2, 4, 6)]
        self.assertEqual([len(page) for page in pages], [2, 2, 1, 0])
        self.assertEqual(sum(pages, []), ids[::-1])
        did("records.post_v2_objects_object_records_query", "pages by limit and offset")

    def test_a_deleted_record_is_gone(self):
        owner = self.things()
        record = self.create(owner, word=["one"])
        self.attio.records.delete_v2_objects_object_records_record_id_(object=owner, record_id=record)
        did("records.delete_v2_objects_object_records_record_id_", "deletes")
        with self.assertRaises(errors.GetV2ObjectsObjectRecordsRecordIDInvalidRequestError) as refused:
            self.read(owner, record)
        self.assertEqual((refused.exception.status_code, refused.exception.data.code), (404, "not_found"))
        did("records.get_v2_objects_object_records_record_id_", "does not find what was deleted")
        with self.assertRaises(errors.DeleteV2ObjectsObjectRecordsRecordIDNotFoundError):
            self.attio.records.delete_v2_objects_object_records_record_id_(object=owner, record_id=record)
        did("records.delete_v2_objects_object_records_record_id_", "deletes once")

    def test_a_merge_leaves_a_new_record_with_the_values_of_both(self):
        addresses = [f"{unique('ada')}@example.org" for _ in range(2)]
        two = [self.create("people", email_addresses=[address]) for address in addresses]
        merged = self.attio.records.post_v2_objects_object_records_merge(
            object="people", data={"primary_record_id": two[0], "secondary_record_id": two[1]}).data.new_record_id
        self.assertNotIn(merged, two)
        held = {value.email_address for value in self.read("people", merged)["email_addresses"]}
        self.assertEqual(held, set(addresses))
        did("records.post_v2_objects_object_records_merge", "names the record that is left")
        with self.assertRaises(errors.SelfMergeError):
            self.attio.records.post_v2_objects_object_records_merge(
                object="people", data={"primary_record_id": merged, "secondary_record_id": merged})
        did("records.post_v2_objects_object_records_merge", "merges no record with itself")
        with self.assertRaises(errors.SDKError) as refused:
            self.attio.records.post_v2_objects_object_records_merge(
                object="people", data={"primary_record_id": merged, "secondary_record_id": str(uuid.uuid4())})
        self.assertEqual((refused.exception.status_code, refused.exception.data.code), (404, "value_not_found"))
        did("records.post_v2_objects_object_records_merge", "does not find an unknown record")


if __name__ == "__main__":
    unittest.main()
