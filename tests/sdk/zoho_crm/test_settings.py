"""What the organisation is made of, notifications, notes and roles, as Zoho's official CRM SDK sees them."""

import datetime
import unittest

from zohocrmsdk.src.com.zoho.crm.api.deal_contact_roles import (
    BodyWrapper as RoleBody, ContactRole, Data, DealContactRolesOperations, GetAssociatedContactRolesParam,
)
from zohocrmsdk.src.com.zoho.crm.api.fields import FieldsOperations, GetFieldParam, GetFieldsParam
from zohocrmsdk.src.com.zoho.crm.api.layouts import GetLayoutsParam, LayoutsOperations
from zohocrmsdk.src.com.zoho.crm.api.modules import ModulesOperations
from zohocrmsdk.src.com.zoho.crm.api.notifications import (
    BodyWrapper, DeleteNotificationParam, GetNotificationsParam, Notification, NotificationsOperations,
)
from zohocrmsdk.src.com.zoho.crm.api.org import OrgOperations
from zohocrmsdk.src.com.zoho.crm.api.pipeline import PipelineOperations
from zohocrmsdk.src.com.zoho.crm.api.related_records import GetRelatedRecordsParam, RelatedRecordsOperations
from zohocrmsdk.src.com.zoho.crm.api.users import GetUsersParam, UsersOperations

from crm import Crm, deal, params, record, refer, unique

CHANNELS = NotificationsOperations()


def fields(module):
    answer = FieldsOperations().get_fields(params((GetFieldsParam.module, module)))
    return {field.get_api_name(): field for field in answer.get_object().get_fields()}


class Settings(Crm):
    """Metadata that `setup --check` reads."""

    def test_the_external_fields_are_told(self):
        for module, name in (("Contacts", "Platform_User_Id"), ("Accounts", "Billing_Account_Id"), ("Deals", "Billing_Ref")):
            field = fields(module)[name]
            self.assertTrue(field.get_custom_field())
            self.assertEqual((field.get_external().get_type(), field.get_external().get_show()), ("org", True))
            self.assertIsNotNone(field.get_unique())

    def test_fields_have_their_kinds(self):
        contacts, deals = fields("Contacts"), fields("Deals")
        self.assertEqual(contacts["Email"].get_data_type(), "email")
        self.assertTrue(contacts["Last_Name"].get_system_mandatory())
        self.assertEqual(contacts["Account_Name"].get_lookup().get_module().get_api_name(), "Accounts")
        self.assertIn("WhatsApp", [value.get_actual_value() for value in contacts["Lead_Source"].get_pick_list_values()])
        self.assertEqual(deals["Amount"].get_data_type(), "currency")
        number = contacts["Email"].get_id()
        answer = FieldsOperations().get_field(number, params((GetFieldParam.module, "Contacts")))
        self.assertEqual(answer.get_object().get_fields()[0].get_api_name(), "Email")

    def test_modules_are_listed_and_one_is_read(self):
        listed = [module.get_api_name() for module in ModulesOperations().get_modules().get_object().get_modules()]
        self.assertLessEqual({"Leads", "Contacts", "Accounts", "Deals", "Notes", "Tasks"}, set(listed))
        [deals] = ModulesOperations().get_module_by_api_name("Deals").get_object().get_modules()
        self.assertEqual(deals.get_singular_label(), "Deal")

    def test_the_pipeline_of_the_deals_layout_has_its_stages(self):
        [layout] = LayoutsOperations().get_layouts(params((GetLayoutsParam.module, "Deals"))).get_object().get_layouts()
        [pipeline] = PipelineOperations(layout.get_id()).get_pipelines().get_object().get_pipeline()
        stages = {stage.get_actual_value(): stage.get_forecast_type() for stage in pipeline.get_maps()}
        self.assertEqual((stages["Closed Won"], stages["Qualification"]), ("Closed Won", "Open"))
        self.assertTrue(pipeline.get_default())

    def test_users_and_the_organisation_are_told(self):
        answer = UsersOperations().get_users(params((GetUsersParam.type, "CurrentUser")))
        [current] = answer.get_object().get_users()
        self.assertEqual(current.get_full_name(), "Billing Integration")
        answer = UsersOperations().get_user(current.get_id())
        self.assertEqual(answer.get_object().get_users()[0].get_email(), current.get_email())
        self.assertEqual(OrgOperations().get_organization().get_object().get_org()[0].get_company_name(), "Sandbox")


class Related(Crm):
    """Records that belong to others."""

    def test_an_accounts_contacts_and_a_contacts_deals_are_listed(self):
        account = self.create("Accounts", record(Account_Name=unique("Acme")))
        contact = self.contact(Account_Name=refer(account))
        number = self.create("Deals", deal(account, contact))
        for module, parent, related, child in (("Accounts", account, "Contacts", contact), ("Contacts", contact, "Deals", number)):
            asked = params((GetRelatedRecordsParam.fields, "id"))
            answer = RelatedRecordsOperations(related, module).get_related_records(parent, asked)
            self.assertEqual([one.get_id() for one in answer.get_object().get_data()], [child])

    def test_a_contact_has_a_role_in_a_deal(self):
        contact, number = self.contact(), self.create("Deals", deal())
        roles, made, data, role = DealContactRolesOperations(), RoleBody(), Data(), ContactRole()
        role.set_name("Decision Maker")
        data.set_contact_role(role)
        made.set_data([data])
        roles.associate_contact_role_to_deal(contact, number, made)
        asked = params((GetAssociatedContactRolesParam.fields, "Last_Name"))
        [found] = roles.get_associated_contact_roles(number, asked).get_object().get_data()
        self.assertEqual((found.get_id(), found.get_contact_role().get_name()), (contact, "Decision Maker"))
        roles.delete_contact_role_relation(contact, number)
        self.assertEqual(roles.get_associated_contact_roles(number, asked).get_status_code(), 204)


class Notifications(Crm):
    """Channels."""

    def channel(self, number, **values):
        made, one = BodyWrapper(), Notification()
        one.set_channel_id(number)
        for name, value in values.items():
            getattr(one, "set_" + name)(value)
        made.set_watch([one])
        return made

    def number(self):
        return str(int(datetime.datetime.now().timestamp() * 1_000_000))

    def listed(self, number):
        answer = CHANNELS.get_notifications(params((GetNotificationsParam.channel_id, int(number))))
        return [] if answer.get_status_code() == 204 else answer.get_object().get_watch()

    def enable(self, number, **values):
        usual = {"events": ["Contacts.edit", "Deals.all"], "notify_url": "https://www.example.org/hooks", "token": "secret"}
        return CHANNELS.enable_notifications(self.channel(number, **(usual | values)))

    def test_a_channel_is_opened_listed_renewed_and_closed(self):
        number = self.number()
        answer = self.enable(number)
        self.assertEqual(answer.get_status_code(), 201)
        [result] = answer.get_object().get_watch()
        self.assertEqual({event.get_resource_name() for event in result.get_details()["events"]}, {"Contacts", "Deals"})
        first = self.listed(number)[0].get_channel_expiry()
        self.assertEqual(self.listed(number)[0].get_token(), "secret")
        later = first + datetime.timedelta(hours=5)
        CHANNELS.update_notifications(self.channel(number, channel_expiry=later, events=["Contacts.all"],
                                                   notify_url="https://www.example.org/hooks", token="other"))
        [renewed] = self.listed(number)
        self.assertEqual((renewed.get_channel_expiry(), renewed.get_events()), (later, ["Contacts.all"]))
        [gone] = CHANNELS.delete_notification(params((DeleteNotificationParam.channel_ids, number))).get_object().get_watch()
        self.assertEqual(gone.get_status().get_value(), "success")
        self.assertEqual(self.listed(number), [])

    def test_events_are_taken_off_a_channel(self):
        number = self.number()
        self.enable(number)
        answer = CHANNELS.disable_notification(self.channel(number, events=["Deals.all"], delete_events=True))
        self.assertEqual(answer.get_status_code(), 200)
        self.assertEqual([one.get_resource_name() for one in self.listed(number)], ["Contacts"])

    def test_what_is_wrong_comes_inside_a_202(self):
        answer = self.enable(self.number(), events=["Nonsense.all"])
        self.assertEqual(answer.get_status_code(), 202)
        [error] = answer.get_object().get_watch()
        self.assertEqual((error.get_status().get_value(), error.get_code().get_value()), ("error", "INVALID_DATA"))
        answer = CHANNELS.delete_notification(params((DeleteNotificationParam.channel_ids, self.number())))
        self.assertEqual(answer.get_object().get_watch()[0].get_code().get_value(), "NOT_SUBSCRIBED")


if __name__ == "__main__":
    unittest.main()
