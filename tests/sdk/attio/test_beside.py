"""Notes, tasks, members and webhooks, and limits, as an independent client of Attio sees them."""

import unittest

from attio import errors

from workspace import Workspace, control, did, unique


class Notes(Workspace):
    """On a record."""

    def test_a_note_is_made_read_changed_listed_and_deleted(self):
        owner = self.object()
        record = self.create(owner)
        notes = self.attio.notes

        def write(title):
            return notes.post_v2_notes(data={"parent_object": owner, "parent_record_id": record, "title": title,
                                             "format": "plaintext", "content": "hello"}).data

        made = write("first")
        self.assertEqual((made.parent_object, made.content_plaintext), (owner, "hello"))
        did("notes.post_v2_notes", "makes a note on a record")
        self.assertEqual(notes.get_v2_notes_note_id_(note_id=made.id.note_id).data, made)
        did("notes.get_v2_notes_note_id_", "reads a note")
        changed = notes.patch_v2_notes_note_id_(note_id=made.id.note_id, data={"title": "other"}).data
        self.assertEqual((changed.title, changed.content_plaintext), ("other", "hello"))
        did("notes.patch_v2_notes_note_id_", "changes the title alone")
        changed = notes.patch_v2_notes_note_id_(
            note_id=made.id.note_id, data={"format": "plaintext", "content": "bye"}).data
        self.assertEqual((changed.title, changed.content_plaintext), ("other", "bye"))
        did("notes.patch_v2_notes_note_id_", "changes the content alone")
        write("second")
        write("third")
        place = {"parent_object": owner, "parent_record_id": record}
        every = [note.title for note in notes.get_v2_notes(**place).data]
        self.assertEqual(sorted(every), ["other", "second", "third"])
        did("notes.get_v2_notes", "lists the notes of a record")
        pages = [[note.title for note in notes.get_v2_notes(**place, limit=2, offset=at).data] for at in (0, 2)]
        self.assertEqual((sum(pages, []), len(pages[0])), (every, 2))
        did("notes.get_v2_notes", "pages by limit and offset")
        notes.delete_v2_notes_note_id_(note_id=made.id.note_id)
        with self.assertRaises(errors.GetV2NotesNoteIDNotFoundError):
            notes.get_v2_notes_note_id_(note_id=made.id.note_id)
        did("notes.delete_v2_notes_note_id_", "deletes")
        did("notes.get_v2_notes_note_id_", "does not find what was deleted")


class Tasks(Workspace):
    """On a record, for a member."""

    def test_a_task_is_made_completed_listed_and_deleted(self):
        owner = self.object()
        record = self.create(owner)
        member = self.member()
        did("workspace_members.get_v2_workspace_members", "lists the members")
        found = self.attio.workspace_members.get_v2_workspace_members_workspace_member_id_(workspace_member_id=member).data
        self.assertEqual(found.id.workspace_member_id, member)
        did("workspace_members.get_v2_workspace_members_workspace_member_id_", "reads a member")
        tasks = self.attio.tasks

        def write(content):
            return tasks.post_v2_tasks(data={
                "content": content, "format": "plaintext", "deadline_at": "2026-12-01T00:00:00.000000000Z",
                "is_completed": False, "linked_records": [{"target_object": owner, "target_record_id": record}],
                "assignees": [{"referenced_actor_type": "workspace-member", "referenced_actor_id": member}]}).data

        made = write("first")
        self.assertEqual((made.content_plaintext, made.is_completed, made.completed_at), ("first", False, None))
        self.assertEqual(made.linked_records[0].target_record_id, record)
        did("tasks.post_v2_tasks", "makes a task for a member on a record")
        second = write("second")
        done = tasks.patch_v2_tasks_task_id_(task_id=made.id.task_id, data={"is_completed": True}).data
        self.assertTrue(done.is_completed and done.completed_at)
        did("tasks.patch_v2_tasks_task_id_", "completes, and says when")
        self.assertEqual(tasks.get_v2_tasks_task_id_(task_id=made.id.task_id).data, done)
        did("tasks.get_v2_tasks_task_id_", "reads a task")

        def listed(**order):
            return [task.id.task_id for task in tasks.get_v2_tasks(linked_object=owner, linked_record_id=record, **order).data]

        self.assertEqual(listed(sort="created_at:desc"), [second.id.task_id, made.id.task_id])
        did("tasks.get_v2_tasks", "lists a record's tasks, newest first")
        self.assertEqual(listed(is_completed=True), [made.id.task_id])
        did("tasks.get_v2_tasks", "lists those that are completed")
        self.assertEqual(listed(limit=1, offset=1), [second.id.task_id])
        did("tasks.get_v2_tasks", "pages by limit and offset")
        tasks.delete_v2_tasks_task_id_(task_id=made.id.task_id)
        with self.assertRaises(errors.GetV2TasksTaskIDNotFoundError):
            tasks.get_v2_tasks_task_id_(task_id=made.id.task_id)
        did("tasks.delete_v2_tasks_task_id_", "deletes")
        did("tasks.get_v2_tasks_task_id_", "does not find what was deleted")


class Webhooks(Workspace):
    """Set up; what they send is shown elsewhere."""

    def test_a_webhook_is_made_read_changed_listed_and_deleted(self):
        url = f"https://example.org/{unique('hook')}"
        webhooks = self.attio.webhooks
        order = {"target_url": url, "subscriptions": [{"event_type": "record.updated", "filter": None}]}
        made = webhooks.post_v2_webhooks(data=order).data
        self.assertEqual((made.status, len(made.secret)), ("active", 64))
        did("webhooks.post_v2_webhooks", "makes a webhook and shows its secret")
        with self.assertRaises(errors.PostV2WebhooksUniquenessConflictError):
            webhooks.post_v2_webhooks(data=order)
        did("webhooks.post_v2_webhooks", "refuses a second one for the same")
        found = webhooks.get_v2_webhooks_webhook_id_(webhook_id=made.id.webhook_id).data
        self.assertEqual((found.target_url, hasattr(found, "secret")), (url, False))
        did("webhooks.get_v2_webhooks_webhook_id_", "reads a webhook without its secret")
        narrow = {"$and": [{"field": "actor.type", "operator": "equals", "value": "workspace-member"}]}
        changed = webhooks.patch_v2_webhooks_webhook_id_(webhook_id=made.id.webhook_id, data={
            "subscriptions": [{"event_type": "record.created", "filter": narrow}]}).data
        self.assertEqual((changed.target_url, changed.subscriptions[0].event_type), (url, "record.created"))
        did("webhooks.patch_v2_webhooks_webhook_id_", "replaces the subscriptions")
        self.assertIn(made.id.webhook_id, [one.id.webhook_id for one in webhooks.get_v2_webhooks(limit=100).data])
        did("webhooks.get_v2_webhooks", "lists")
        webhooks.delete_v2_webhooks_webhook_id_(webhook_id=made.id.webhook_id)
        with self.assertRaises(errors.GetV2WebhooksWebhookIDNotFoundError):
            webhooks.get_v2_webhooks_webhook_id_(webhook_id=made.id.webhook_id)
        did("webhooks.delete_v2_webhooks_webhook_id_", "deletes")
        did("webhooks.get_v2_webhooks_webhook_id_", "does not find what was deleted")


class Refusals(Workspace):
    """What may happen to any call."""

    def test_a_limit_is_told_with_when_to_come_again(self):
        control("/faults", {"vendor": "attio", "operation": "object.list", "kind": "rate_limit", "times": 1})
        with self.assertRaises(errors.SDKError) as refused:
            self.attio.objects.get_v2_objects()
        self.assertEqual(refused.exception.status_code, 429)
        self.assertTrue(refused.exception.headers["retry-after"].endswith("GMT"))
        did("objects.get_v2_objects", "tells a limit and when to come again")

    def test_a_broken_answer_is_told(self):
        control("/faults", {"vendor": "attio", "operation": "object.list", "kind": "status", "status": 503, "times": 1})
        with self.assertRaises(errors.SDKError) as refused:
            self.attio.objects.get_v2_objects()
        self.assertEqual(refused.exception.status_code, 503)
        did("objects.get_v2_objects", "tells that it is broken")


if __name__ == "__main__":
    unittest.main()
