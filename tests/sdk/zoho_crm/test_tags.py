"""The tag taxonomy, as Zoho's official CRM SDK writes it."""

import unittest

from zohocrmsdk.src.com.zoho.crm.api.tags import (
    AddTagsParam, BodyWrapper, ConflictWrapper, CreateTagsParam, ExistingTag, ExistingTagRequestWrapper, GetRecordCountForTagParam,
    GetTagsParam, MergeWrapper, NewTagRequestWrapper, Tag, TagsOperations, UpdateTagParam, UpdateTagsParam,
)

from crm import Crm, params, unique

TAGS = TagsOperations()
# What the runbook of the integration names.
TAXONOMY = [
    "lifecycle-trial", "lifecycle-active", "lifecycle-churned", "plan-base", "plan-plus", "plan-pro", "source-website",
    "source-whatsapp", "source-referral", "compliance-gdpr", "compliance-ccpa",
]


def tag(name=None, number=None, colour=None):
    made = Tag()
    if name is not None:
        made.set_name(name)
    if number is not None:
        made.set_id(number)
    if colour is not None:
        made.set_color_code(colour)
    return made


def wanted(*names, ids=None, over_write=None):
    """Tags to put on."""
    made = NewTagRequestWrapper()
    made.set_tags([tag(name) for name in names])
    if ids is not None:
        made.set_ids(ids)
    if over_write is not None:
        made.set_over_write(over_write)
    return made


def unwanted(*names, ids=None):
    """Tags to take off."""
    made = ExistingTagRequestWrapper()
    tags = []
    for name in names:
        one = ExistingTag()
        one.set_name(name)
        tags.append(one)
    made.set_tags(tags)
    if ids is not None:
        made.set_ids(ids)
    return made


def short(word):
    """A tag's name that nobody has used: at most 25 characters."""
    return f"{word}-{unique('')[-12:]}"


class RecordTags(Crm):
    """Tags on records."""

    def test_the_whole_taxonomy_can_be_put_on_contacts(self):
        for names in (TAXONOMY[:6], TAXONOMY[6:]):
            contact = self.contact()
            [result] = self.done(TAGS.add_tags("Contacts", contact, wanted(*names)))
            self.assertEqual([one["name"] if isinstance(one, dict) else one.get_name()
                              for one in result.get_details()["tags"]], names)
            self.assertEqual(self.tags("Contacts", contact), names)

    def test_tags_are_added_taken_off_and_overwritten(self):
        contact = self.contact()
        answer = TAGS.add_tags("Contacts", contact, wanted("plan-base", "their-own"))
        self.assertEqual(answer.get_object().get_success_count(), "1")
        self.assertFalse(answer.get_object().get_wf_scheduler())
        self.done(TAGS.add_tags("Contacts", contact, wanted("plan-pro")))
        self.done(TAGS.remove_tags("Contacts", contact, unwanted("plan-base", "not-there")))
        self.assertEqual(self.tags("Contacts", contact), ["their-own", "plan-pro"])
        over = params((AddTagsParam.over_write, "true"))
        self.done(TAGS.add_tags("Contacts", contact, wanted("their-own", "lifecycle-active"), over))
        self.assertEqual(self.tags("Contacts", contact), ["their-own", "lifecycle-active"])
        self.done(TAGS.add_tags("Contacts", contact, wanted("lifecycle-churned", over_write=True)))
        self.assertEqual(self.tags("Contacts", contact), ["lifecycle-churned"])

    def test_many_records_are_tagged_in_one_call(self):
        ids = [self.contact() for _ in range(3)]
        self.assertEqual(len(self.done(TAGS.add_tags_to_multiple_records("Contacts", wanted("plan-plus", ids=ids)))), 3)
        self.done(TAGS.remove_tags_from_multiple_records("Contacts", unwanted("plan-plus", ids=ids[:2])))
        self.assertEqual([self.tags("Contacts", one) for one in ids], [[], [], ["plan-plus"]])
        answer = TAGS.add_tags_to_multiple_records("Contacts", wanted("plan-plus", ids=[ids[0], 5]))
        self.assertEqual((answer.get_status_code(), answer.get_object().get_success_count()), (207, "1"))

    def test_a_long_name_and_an_eleventh_tag_are_refused(self):
        contact = self.contact()
        answer = TAGS.add_tags("Contacts", contact, wanted("x" * 26))
        self.assertEqual(answer.get_status_code(), 400)
        self.assertEqual(answer.get_object().get_details()["maximum_length"], 25)
        answer = TAGS.add_tags("Contacts", contact, wanted(*[f"tag-{n}" for n in range(11)]))
        self.assertEqual(answer.get_object().get_code().get_value(), "INVALID_DATA")
        self.assertEqual(self.tags("Contacts", contact), [])


class ModuleTags(Crm):
    """Tags of a module."""

    def make(self, *tags):
        made = BodyWrapper()
        made.set_tags(list(tags))
        return TAGS.create_tags(made, params((CreateTagsParam.module, "Contacts")))

    def made(self, name):
        [result] = self.make(tag(name, colour="#57B1FD")).get_object().get_tags()
        self.assertEqual(result.get_status().get_value(), "success")
        return int(result.get_details()["id"])

    def listed(self):
        answer = TAGS.get_tags(params((GetTagsParam.module, "Contacts"))).get_object()
        self.assertEqual(answer.get_info().get_count(), len(answer.get_tags()))
        return {one.get_id(): one for one in answer.get_tags()}

    def test_a_tag_is_made_listed_renamed_and_deleted(self):
        name = short("t")
        number = self.made(name)
        self.assertEqual((self.listed()[number].get_name(), self.listed()[number].get_color_code()), (name, "#57B1FD"))
        change = BodyWrapper()
        change.set_tags([tag(name + "2", number)])
        TAGS.update_tags(change, params((UpdateTagsParam.module, "Contacts")))
        self.assertEqual(self.listed()[number].get_name(), name + "2")
        change.set_tags([tag(name + "3")])
        TAGS.update_tag(number, change, params((UpdateTagParam.module, "Contacts")))
        self.assertEqual(self.listed()[number].get_name(), name + "3")
        [gone] = TAGS.delete_tag(number).get_object().get_tags()
        self.assertEqual(gone.get_message().get_value(), "tags deleted successfully")
        self.assertNotIn(number, self.listed())

    def test_a_name_is_taken_once_and_a_colour_is_one_of_thirteen(self):
        name = short("t")
        number = self.made(name)
        again, odd = self.make(tag(name.upper()), tag(short("t"), colour="#000000")).get_object().get_tags()
        self.assertEqual((again.get_code().get_value(), int(again.get_details()["id"])), ("DUPLICATE_DATA", number))
        self.assertEqual((odd.get_code().get_value(), odd.get_details()["api_name"]), ("INVALID_DATA", "color_code"))

    def test_records_with_a_tag_are_counted_and_go_over_to_another(self):
        old, new = short("old"), short("new")
        contact = self.contact()
        self.done(TAGS.add_tags("Contacts", contact, wanted(old)))
        numbers = {one.get_name(): number for number, one in self.listed().items()}
        into = self.made(new)
        count = params((GetRecordCountForTagParam.module, "Contacts"))
        self.assertEqual(TAGS.get_record_count_for_tag(numbers[old], count).get_object().get_count(), "1")
        merge, conflict = MergeWrapper(), ConflictWrapper()
        conflict.set_conflict_id(str(into))
        merge.set_tags([conflict])
        TAGS.merge_tags(numbers[old], merge)
        self.assertEqual(self.tags("Contacts", contact), [new])
        self.assertNotIn(numbers[old], self.listed())

    def test_tags_belong_to_one_module(self):
        answer = TAGS.get_tags(params((GetTagsParam.module, "Nonsense")))
        self.assertEqual(answer.get_object().get_code().get_value(), "INVALID_MODULE")
        self.assertEqual(TAGS.get_tags().get_object().get_code().get_value(), "REQUIRED_PARAM_MISSING")


if __name__ == "__main__":
    unittest.main()
