"""Disputes and documents, as the official Python SDK sees them."""

import os
import tempfile
import unittest
from decimal import Decimal

import braintree
from braintree import DisputeSearch
from braintree.exceptions.not_found_error import NotFoundError
from braintree.test.credit_card_numbers import CreditCardNumbers
from sandbox import codes, did, gateway, staff, unique

BT = gateway()


def disputed(amount="25.00"):
    """A sale that its bank takes back at once, by the gateway's testing card."""
    return BT.transaction.sale({
        "amount": amount, "order_id": unique("o"), "options": {"submit_for_settlement": True},
        "credit_card": {"number": CreditCardNumbers.Disputes.Chargeback, "expiration_date": "12/2030"},
    }).transaction


def upload(name, content, kind="evidence_document"):
    """The result of uploading a file."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, name)
        with open(path, "wb") as file:
            file.write(content)
        with open(path, "rb") as file:
            return BT.document_upload.create({"kind": kind, "file": file})


class Disputes(unittest.TestCase):
    """From the bank's claim to its decision."""

    def test_the_testing_card_is_disputed_at_once(self):
        transaction = disputed()
        dispute = BT.dispute.find(transaction.disputes[0].id)
        self.assertEqual((transaction.status, dispute.status, dispute.kind), ("settled", "open", "chargeback"))
        self.assertEqual((dispute.amount_disputed, dispute.transaction.id), (Decimal("25.00"), transaction.id))
        did("dispute.find", "shows amount and transaction")
        did("transaction.sale", "is settled and disputed at once with the testing card")
        with self.assertRaises(NotFoundError):
            BT.dispute.find("nothere")
        did("dispute.find", "is not found by an unknown id")

    def test_text_evidence_is_added_removed_and_wins(self):
        dispute = disputed().disputes[0].id
        self.assertEqual(codes(BT.dispute.finalize(dispute), "dispute", "dispute"), ["95726"])
        did("dispute.finalize", "is refused without evidence")
        added = BT.dispute.add_text_evidence(dispute, {"content": "UPS", "category": "CARRIER_NAME", "sequence_number": "2"})
        self.assertEqual((added.evidence.comment, added.evidence.tag), ("UPS", "CARRIER_NAME"))
        did("dispute.add_text_evidence", "keeps its category")
        odd = BT.dispute.add_text_evidence(dispute, {"content": "UPS", "category": "NONSENSE"})
        self.assertEqual(codes(odd, "dispute", "category"), ["95706"])
        did("dispute.add_text_evidence", "refuses an unknown category")
        self.assertTrue(BT.dispute.remove_evidence(dispute, added.evidence.id).is_success)
        self.assertEqual(BT.dispute.find(dispute).evidence, [])
        did("dispute.remove_evidence", "takes it away")
        BT.dispute.add_text_evidence(dispute, "compelling_evidence")
        self.assertTrue(BT.dispute.finalize(dispute).is_success)
        won = BT.dispute.find(dispute)
        self.assertEqual((won.status, won.amount_won), ("won", Decimal("25.00")))
        did("dispute.finalize", "wins with compelling evidence")
        self.assertEqual(codes(BT.dispute.add_text_evidence(dispute, "late"), "dispute", "status"), ["95701"])
        did("dispute.add_text_evidence", "is refused when the dispute is no longer open")

    def test_losing_evidence_loses_and_accepting_ends_it(self):
        dispute = disputed().disputes[0].id
        BT.dispute.add_text_evidence(dispute, "losing_evidence")
        BT.dispute.finalize(dispute)
        self.assertEqual(BT.dispute.find(dispute).status, "lost")
        did("dispute.finalize", "loses with losing evidence")
        self.assertEqual(codes(BT.dispute.finalize(dispute), "dispute", "status"), ["95705"])
        did("dispute.finalize", "is refused a second time")
        other = disputed().disputes[0].id
        self.assertTrue(BT.dispute.accept(other).is_success)
        did("dispute.accept", "gives the money up")
        self.assertEqual(codes(BT.dispute.accept(other), "dispute", "status"), ["95704"])
        did("dispute.accept", "is refused a second time")

    def test_a_document_is_uploaded_and_becomes_evidence(self):
        document = upload("proof.pdf", b"%PDF-1.4 proof").document_upload
        self.assertEqual((document.name, document.content_type), ("proof.pdf", "application/pdf"))
        did("document_upload.create", "takes a PDF")
        dispute = disputed().disputes[0].id
        request = {"document_id": document.id, "category": "PROOF_OF_DELIVERY"}
        evidence = BT.dispute.add_file_evidence(dispute, request).evidence
        self.assertTrue(evidence.url.endswith("proof.pdf"))
        did("dispute.add_file_evidence", "attaches the document")
        text = BT.dispute.add_file_evidence(dispute, {"document_id": document.id, "category": "TRACKING_NUMBER"})
        self.assertEqual(codes(text, "dispute", "category"), ["95711"])
        did("dispute.add_file_evidence", "refuses a category of texts")
        self.assertEqual(codes(upload("a.gif", b"GIF89a"), "document_upload", "file"), ["84903"])
        did("document_upload.create", "refuses another type")
        self.assertEqual(codes(upload("a.pdf", b"%PDF", "photo"), "document_upload", "kind"), ["84901"])
        did("document_upload.create", "refuses another kind")

    def test_disputes_are_searched_over_pages(self):
        transaction = disputed("77.00")
        for number in range(1, 53):
            staff("open_dispute", id=transaction.id, amount=f"{number}.00", reason="duplicate")
        staff("open_dispute", id=transaction.id, kind="retrieval", reason="retrieval", reply_by="2199-01-01")

        def count(*criteria):
            found = BT.dispute.search([DisputeSearch.transaction_id == transaction.id, *criteria])
            return len({one.id for one in found.disputes.items})

        self.assertEqual(count(), 54)
        did("dispute.search", "shows more than one page")
        self.assertEqual(count(DisputeSearch.kind.in_list([braintree.Dispute.Kind.Retrieval])), 1)
        did("dispute.search", "finds by a kind")
        self.assertEqual(count(DisputeSearch.amount_disputed.between("10.00", "11.00")), 2)
        did("dispute.search", "finds by a range of amounts")
        self.assertEqual(count(DisputeSearch.reason.in_list(["fraud"]), DisputeSearch.status.in_list(["open"])), 1)
        did("dispute.search", "finds by reason and state")
        self.assertEqual(count(DisputeSearch.reply_by_date >= "2198-01-01"), 1)
        did("dispute.search", "finds by the date to reply")


if __name__ == "__main__":
    unittest.main()
