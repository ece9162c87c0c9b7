"""The auditor can fail: each broken promise is found, and what a crash may do is not one."""

import time

import pytest

from auditor import Auditor, FifoBooks, StandardBooks


@pytest.fixture
def auditor():
    return Auditor()


def kinds(auditor):
    return [violation.split(":")[0] for violation in auditor.violations]


class TestStandard:
    @pytest.fixture
    def books(self, auditor):
        books = StandardBooks(auditor)
        for body in ("a", "b"):
            books.attempt(body)
        return books

    def test_an_answered_send_that_is_not_there_is_lost(self, auditor, books):
        books.was_sent("a")
        books.close(drained={"b"})
        assert auditor.violations == ["lost: a"]

    def test_an_unanswered_send_may_be_there_or_not(self, auditor, books):
        books.was_received("a", time.monotonic())
        books.close(drained={"a"})
        assert auditor.violations == []

    def test_what_was_deleted_must_not_return(self, auditor, books):
        books.was_sent("a")
        books.delete_begins("a")
        books.was_deleted("a")
        books.was_received("a", time.monotonic())
        books.close(drained=set())
        assert kinds(auditor) == ["returned"]

    def test_a_receive_that_began_before_the_delete_may_have_it(self, auditor, books):
        asked_at = time.monotonic()
        books.delete_begins("a")
        books.was_deleted("a")
        books.was_received("a", asked_at - 1)
        assert auditor.violations == []

    def test_an_unanswered_delete_may_have_happened_or_not(self, auditor, books):
        books.was_sent("a")
        books.delete_begins("a")
        books.close(drained=set())
        books.was_received("a", time.monotonic())
        assert auditor.violations == []

    def test_what_nobody_sent_is_found(self, auditor, books):
        books.was_received("c", time.monotonic())
        assert kinds(auditor) == ["invented"]

    def test_a_message_before_its_delay_is_over_is_early(self, auditor, books):
        books.attempt("d", delay_seconds=3)
        books.was_received("d", time.monotonic())
        assert kinds(auditor) == ["early"]

    def test_a_message_after_its_delay_is_in_time(self, auditor, books):
        books.attempt("d", delay_seconds=3)
        books.not_before["d"] -= 3
        books.was_received("d", time.monotonic())
        assert auditor.violations == []

    def test_a_purged_message_must_not_return_and_is_not_lost(self, auditor, books):
        books.was_sent("a")
        for body in books.purge_begins():
            books.was_deleted(body)
        books.close(drained=set())
        assert auditor.violations == []
        books.was_received("b", time.monotonic())
        assert kinds(auditor) == ["returned"]

    def test_the_verdict_counts_each_kind(self, auditor, books):
        books.was_sent("a")
        books.close(drained=set())
        auditor.violation("disordered", "x")
        auditor.violation("shared", "x")
        assert auditor.verdict() == "lost=1 undone=0 fifo=2 invented=0 early=0 failed=0"


class TestFifo:
    @pytest.fixture
    def books(self, auditor):
        books = FifoBooks(auditor)
        for number in range(3):
            books.was_sent("g", number, f"id{number}", f"{number:020}")
        return books

    def receive(self, books, *numbers, hidden_for=5.0):
        books.was_received("g", list(numbers), time.monotonic() + hidden_for)

    def test_a_clean_run(self, auditor, books):
        self.receive(books, 0, 1)
        for number in (0, 1):
            books.delete_begins("g", number)
            books.was_deleted("g", number)
        self.receive(books, 2)
        books.delete_begins("g", 2)
        books.was_deleted("g", 2)
        books.close()
        assert auditor.violations == []

    def test_a_gap(self, auditor, books):
        self.receive(books, 1)
        assert kinds(auditor) == ["disordered"]

    def test_a_gap_within_an_answer(self, auditor, books):
        self.receive(books, 0, 2)
        assert kinds(auditor) == ["disordered"]

    def test_the_same_twice_in_an_answer(self, auditor, books):
        self.receive(books, 0, 0)
        assert kinds(auditor) == ["disordered"]

    def test_two_in_flight(self, auditor, books):
        self.receive(books, 0)
        self.receive(books, 0)
        assert kinds(auditor) == ["shared"]

    def test_a_later_one_while_an_earlier_one_is_in_flight(self, auditor, books):
        self.receive(books, 0)
        self.receive(books, 1)
        assert sorted(kinds(auditor)) == ["disordered", "shared"]

    def test_an_expired_receive_holds_nothing(self, auditor, books):
        self.receive(books, 0, hidden_for=-1)
        self.receive(books, 0)
        assert auditor.violations == []

    def test_a_message_given_back_holds_nothing(self, auditor, books):
        self.receive(books, 0, 1)
        books.give_back_begins("g")
        self.receive(books, 0, 1, 2)
        assert auditor.violations == []

    def test_a_deleted_one_that_returns(self, auditor, books):
        self.receive(books, 0)
        books.delete_begins("g", 0)
        books.was_deleted("g", 0)
        self.receive(books, 0)
        assert kinds(auditor) == ["returned"]

    def test_another_id_for_the_same_send(self, auditor, books):
        books.was_sent("g", 2, "another", f"{2:020}")
        assert kinds(auditor) == ["duplicates"]

    def test_a_sequence_number_that_does_not_grow(self, auditor, books):
        books.was_sent("g", 3, "id3", f"{1:020}")
        assert kinds(auditor) == ["disordered"]

    def test_what_was_never_deleted_is_lost_at_the_end(self, auditor, books):
        books.close()
        assert kinds(auditor) == ["lost"] * 3
