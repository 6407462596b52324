"""Objects, attributes, options and statuses, as an independent client of Attio sees them."""

import unittest

from attio import errors

from workspace import Workspace, client, did, unique

TYPES = ["text", "number", "checkbox", "currency", "date", "timestamp", "rating", "status", "select", "record-reference",
         "actor-reference", "location", "domain", "email-address", "phone-number"]
CONFIG = {"currency": {"currency": {"default_currency_code": "EUR", "display_type": "symbol"}},
          "record-reference": {"record_reference": {"allowed_objects": ["people"]}}}


class Objects(Workspace):
    """The workspace itself, and its objects."""

    def test_a_key_says_what_it_may_do_and_a_dead_one_that_it_is_dead(self):
        own = self.attio.meta.get_v2_self()
        self.assertTrue(own.active)
        self.assertIn("record_permission:read-write", own.scope.split())
        did("meta.get_v2_self", "names the scopes of a key")
        self.assertFalse(client("nobody").meta.get_v2_self().active)
        did("meta.get_v2_self", "answers a dead key with success")

    def test_a_dead_key_reads_nothing(self):
        with self.assertRaises(errors.SDKError) as refused:
            client("nobody").objects.get_v2_objects()
        self.assertEqual(refused.exception.status_code, 401)
        did("objects.get_v2_objects", "refuses a dead key")

    def test_an_object_is_made_read_changed_and_listed(self):
        slug = self.object()
        did("objects.post_v2_objects", "makes an object")
        found = self.attio.objects.get_v2_objects_object_(object=slug).data
        self.assertEqual((found.api_slug, found.singular_noun), (slug, slug))
        did("objects.get_v2_objects_object_", "reads an object by its slug")
        by_id = self.attio.objects.get_v2_objects_object_(object=found.id.object_id).data
        self.assertEqual(by_id, found)
        did("objects.get_v2_objects_object_", "reads an object by its id")
        noun = unique("noun")
        changed = self.attio.objects.patch_v2_objects_object_(object=slug, data={"singular_noun": noun}).data
        self.assertEqual((changed.singular_noun, changed.plural_noun), (noun, slug + "s"))
        did("objects.patch_v2_objects_object_", "changes what it names and nothing else")
        slugs = [one.api_slug for one in self.attio.objects.get_v2_objects().data]
        self.assertLessEqual({"people", "companies", slug}, set(slugs))
        did("objects.get_v2_objects", "lists the standard objects and those made")

    def test_a_slug_is_taken_once(self):
        slug = self.object()
        with self.assertRaises(errors.PostV2ObjectsSlugConflictError) as refused:
            self.attio.objects.post_v2_objects(data={"api_slug": slug, "singular_noun": "a", "plural_noun": "b"})
        self.assertEqual((refused.exception.status_code, refused.exception.data.code), (409, "slug_conflict"))
        did("objects.post_v2_objects", "refuses a slug that is taken")

    def test_an_unknown_object_is_not_found(self):
        with self.assertRaises(errors.GetV2ObjectsObjectNotFoundError) as refused:
            self.attio.objects.get_v2_objects_object_(object=unique("nothing"))
        self.assertEqual((refused.exception.status_code, refused.exception.data.code), (404, "not_found"))
        did("objects.get_v2_objects_object_", "refuses an unknown object")


class Attributes(Workspace):
    """Of every type that can be made."""

    def test_an_attribute_of_each_type_is_made_and_read(self):
        owner = self.object()
        for kind in TYPES:
            with self.subTest(kind):
                slug = "of_" + kind.replace("-", "_")
                made = self.attribute(owner, slug, kind, config=CONFIG.get(kind, {}))
                self.assertEqual((made.type, made.api_slug, made.is_archived), (kind, slug, False))
                did("attributes.post_v2_target_identifier_attributes", f"makes an attribute of type {kind}")
                found = self.attio.attributes.get_v2_target_identifier_attributes_attribute_(
                    target="objects", identifier=owner, attribute=slug).data
                self.assertEqual(found, made)
        did("attributes.get_v2_target_identifier_attributes_attribute_", "reads what was made")

    def test_attributes_are_listed_in_pages(self):
        owner = self.object()
        for word in ("one", "two", "three"):
            self.attribute(owner, word)

        def page(**order):
            listed = self.attio.attributes.get_v2_target_identifier_attributes(
                target="objects", identifier=owner, **order).data
            return [one.api_slug for one in listed]

        every = page()
        self.assertLessEqual({"one", "two", "three", "record_id", "created_at"}, set(every))
        self.assertEqual(page(limit=2) + page(limit=2, offset=2), every[:4])
        did("attributes.get_v2_target_identifier_attributes", "pages by limit and offset")

    def test_an_archived_attribute_keeps_its_slug(self):
        owner = self.object()
        self.attribute(owner, "old")
        change = self.attio.attributes.patch_v2_target_identifier_attributes_attribute_
        self.assertTrue(change(target="objects", identifier=owner, attribute="old", data={"is_archived": True}).data.is_archived)
        did("attributes.patch_v2_target_identifier_attributes_attribute_", "archives")
        with self.assertRaises(errors.PostV2TargetIdentifierAttributesSlugConflictError):
            self.attribute(owner, "old")
        did("attributes.post_v2_target_identifier_attributes", "refuses the slug of an archived one")
        listed = self.attio.attributes.get_v2_target_identifier_attributes

        def slugs(**order):
            return [one.api_slug for one in listed(target="objects", identifier=owner, **order).data]

        self.assertNotIn("old", slugs())
        self.assertIn("old", slugs(show_archived=True))
        did("attributes.get_v2_target_identifier_attributes", "shows archived ones where that is asked for")

    def test_options_are_made_renamed_and_archived(self):
        owner = self.object()
        self.attribute(owner, "kind", "select")
        place = {"target": "objects", "identifier": owner, "attribute": "kind"}
        options = self.attio.attributes
        options.post_v2_target_identifier_attributes_attribute_options(**place, data={"title": "One"})
        did("attributes.post_v2_target_identifier_attributes_attribute_options", "makes an option")
        with self.assertRaises(errors.PostV2TargetIdentifierAttributesAttributeOptionsSlugConflictError):
            options.post_v2_target_identifier_attributes_attribute_options(**place, data={"title": "One"})
        did("attributes.post_v2_target_identifier_attributes_attribute_options", "refuses a title that is taken")
        change = options.patch_v2_target_identifier_attributes_attribute_options_option_
        self.assertEqual(change(**place, option="One", data={"title": "Uno"}).data.title, "Uno")
        did("attributes.patch_v2_target_identifier_attributes_attribute_options_option_", "renames by title")
        self.assertTrue(change(**place, option="Uno", data={"is_archived": True}).data.is_archived)
        did("attributes.patch_v2_target_identifier_attributes_attribute_options_option_", "archives")
        listed = options.get_v2_target_identifier_attributes_attribute_options
        self.assertEqual([one.title for one in listed(**place).data], [])
        self.assertEqual([one.title for one in listed(**place, show_archived=True).data], ["Uno"])
        did("attributes.get_v2_target_identifier_attributes_attribute_options", "shows archived ones where asked")

    def test_statuses_are_made_and_renamed(self):
        owner = self.object()
        self.attribute(owner, "stage", "status")
        place = {"target": "objects", "identifier": owner, "attribute": "stage"}
        statuses = self.attio.attributes
        made = statuses.post_v2_target_identifier_attributes_attribute_statuses(
            **place, data={"title": "Active", "celebration_enabled": True}).data
        self.assertEqual((made.title, made.celebration_enabled), ("Active", True))
        did("attributes.post_v2_target_identifier_attributes_attribute_statuses", "makes a status")
        change = statuses.patch_v2_target_identifier_attributes_attribute_statuses_status_
        self.assertEqual(change(**place, status=made.id.status_id, data={"title": "Live"}).data.title, "Live")
        did("attributes.patch_v2_target_identifier_attributes_attribute_statuses_status_", "renames by id")
        listed = statuses.get_v2_target_identifier_attributes_attribute_statuses(**place).data
        self.assertIn("Live", [one.title for one in listed])
        did("attributes.get_v2_target_identifier_attributes_attribute_statuses", "lists")


if __name__ == "__main__":
    unittest.main()
