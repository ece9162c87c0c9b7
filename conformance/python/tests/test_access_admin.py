"""Governing users, access keys and policies: the service of its own, and the same through IAM's clients."""

import json
import threading

import pytest

from support.access import OPERATOR, UNKNOWN_KEY, Governor, Key, policy, statement
from support.clients import client, refused, unique

ANYTHING = policy(statement(Action="sqs:*", Resource="*"))


def test_the_life_of_a_user(account):
    govern, name = account.govern, unique("alice")
    made = govern("CreateUser", UserName=name, Tags=[{"Key": "team", "Value": "red"}])["User"]
    assert made["Arn"] == f"arn:aws:iam::{account.number}:user/{name}"
    assert made["CreateDate"].startswith("20") and made["CreateDate"].endswith("Z")
    assert govern("GetUser", UserName=name)["User"] == made
    govern.refused("CreateUser", "EntityAlreadyExists", 409, UserName=name)
    govern("TagUser", UserName=name, Tags=[{"Key": "team", "Value": "blue"}, {"Key": "x", "Value": ""}])
    govern("UntagUser", UserName=name, TagKeys=["x", "never"])
    assert govern("ListUserTags", UserName=name)["Tags"] == [{"Key": "team", "Value": "blue"}]
    key = govern.new_key(UserName=name)
    govern.refused("DeleteUser", "DeleteConflict", 409, UserName=name)
    govern("DeleteAccessKey", AccessKeyId=key.id, UserName=name)
    govern("PutUserPolicy", UserName=name, PolicyName="own", PolicyDocument=ANYTHING)
    govern("DeleteUser", UserName=name)
    govern.refused("GetUser", "NoSuchEntity", 404, UserName=name)
    again = govern("CreateUser", UserName=name)["User"]
    assert again["UserId"] != made["UserId"], "ids are never used twice"
    assert govern("ListUserPolicies", UserName=name)["PolicyNames"] == []


def test_users_are_listed_in_pages(account):
    names = sorted(unique("u") for _ in range(5))
    for name in names:
        account.govern("CreateUser", UserName=name)
    assert [user["UserName"] for user in account.govern("ListUsers")["Users"]] == names
    listed, marker = [], {}
    while True:
        page = account.govern("ListUsers", MaxItems=2, **marker)
        assert len(page["Users"]) <= 2
        listed += [user["UserName"] for user in page["Users"]]
        if not page["IsTruncated"]:
            break
        marker = {"Marker": page["Marker"]}
    assert listed == names
    account.govern.refused("ListUsers", "ValidationError", 400, MaxItems=0)


def test_access_keys(account):
    user = account.user(None, statement(Action="sqs:*", Resource="*"))
    second = account.govern.new_key(UserName=user.name)
    account.govern.refused("CreateAccessKey", "LimitExceeded", 409, UserName=user.name)
    account.govern("UpdateAccessKey", AccessKeyId=second.id, UserName=user.name, Status="Inactive")
    listed = account.govern("ListAccessKeys", UserName=user.name)["AccessKeyMetadata"]
    shown = [(key["AccessKeyId"], key["Status"]) for key in listed]
    assert shown == [(user.key.id, "Active"), (second.id, "Inactive")]
    assert "SecretAccessKey" not in json.dumps(listed)
    account.govern.refused("UpdateAccessKey", "NoSuchEntity", 404, AccessKeyId="AKIAABCDEFGHIJKLMNOP", Status="Active")
    account.govern.refused("UpdateAccessKey", "ValidationError", 400, AccessKeyId=second.id, Status="Maybe")
    other = account.user()
    account.govern.refused("DeleteAccessKey", "NoSuchEntity", 404, AccessKeyId=second.id, UserName=other.name)
    account.govern.refused("ListAccessKeys", "NoSuchEntity", 404, UserName=unique())


def test_policies(account):
    user = account.user()
    put = {"UserName": user.name, "PolicyName": "own"}
    account.govern("PutUserPolicy", PolicyDocument=ANYTHING, **put)
    assert account.govern("GetUserPolicy", **put)["PolicyDocument"] == ANYTHING
    for number in range(9):
        account.govern("PutUserPolicy", UserName=user.name, PolicyName=f"p{number}", PolicyDocument=ANYTHING)
    full = {"UserName": user.name, "PolicyName": "one-more", "PolicyDocument": ANYTHING}
    account.govern.refused("PutUserPolicy", "LimitExceeded", 409, **full)
    names = account.govern("ListUserPolicies", UserName=user.name)["PolicyNames"]
    assert names == ["own", *(f"p{number}" for number in range(9))]
    account.govern("DeleteUserPolicy", **put)
    account.govern.refused("GetUserPolicy", "NoSuchEntity", 404, **put)
    account.govern.refused("DeleteUserPolicy", "NoSuchEntity", 404, **put)


@pytest.mark.parametrize(
    "text, reason",
    [
        ("", ""),
        ("{", ""),
        ("[]", ""),
        ('{"Statement": []}', "Statement"),
        ('{"Statement": {"Effect": "Maybe", "Action": "sqs:*", "Resource": "*"}}', "Effect"),
        ('{"Statement": {"Effect": "Allow", "Principal": "*", "Action": "sqs:*", "Resource": "*"}}', "Principal"),
        ('{"Statement": {"Effect": "Allow", "Action": "sqs:*", "Resource": "*", "Boundary": 1}}', "Boundary"),
    ],
)
def test_what_is_no_policy_is_refused(account, text, reason):
    name = unique()
    account.govern("CreateUser", UserName=name)
    members = {"UserName": name, "PolicyName": "own", "PolicyDocument": text}
    assert reason in account.govern.refused("PutUserPolicy", "MalformedPolicyDocument", 400, **members)


@pytest.mark.parametrize(
    "action, members",
    [
        ("CreateUser", {"UserName": "a b"}),
        ("CreateUser", {"UserName": ""}),
        ("CreateUser", {"UserName": "*"}),
        ("CreateUser", {"UserName": "x" * 65}),
        ("CreateUser", {}),
        ("CreateUser", {"UserName": "a", "PermissionsBoundary": "arn:aws:iam::aws:policy/x"}),
        ("CreateUser", {"UserName": "a", "Path": "/team/"}),
        ("CreateUser", {"UserName": "a", "Tags": [{"Key": "aws:x", "Value": "y"}]}),
        ("CreateUser", {"UserName": "a", "Tags": [{"Key": "k", "Value": "y"}, {"Key": "K", "Value": "z"}]}),
        ("CreateUser", {"UserName": "a", "Tags": [{"Key": "k", "Value": "y" * 257}]}),
        ("CreateAccessKey", {"Account": "12"}),
        ("SimulatePolicy", {"Action": "sqs:SendMessage", "Resource": "jobs"}),
    ],
)
def test_what_is_no_request_is_refused(operator, action, members):
    operator.refused(action, "ValidationError", 400, **members)


def test_there_are_no_other_actions(account):
    account.govern.refused("CreateRole", "UnknownOperationException", 400)


def test_a_user_governs_only_what_its_policies_say(account):
    own = f"arn:aws:iam::{account.number}:user/${{aws:username}}"
    user = account.user(None, statement(Action="iam:*AccessKey*", Resource=own))
    other = account.user()
    govern = Governor(account.server.endpoint, user.key)
    # Without a name these are the caller's own keys, as with IAM.
    second = govern.new_key()
    listed = govern("ListAccessKeys")["AccessKeyMetadata"]
    assert [key["AccessKeyId"] for key in listed] == [user.key.id, second.id]
    govern("DeleteAccessKey", AccessKeyId=second.id)
    for action, members in (
        ("CreateAccessKey", {"UserName": other.name}),
        ("ListAccessKeys", {"UserName": other.name}),
        ("DeleteAccessKey", {"AccessKeyId": other.key.id}),
        ("UpdateAccessKey", {"AccessKeyId": other.key.id, "Status": "Inactive"}),
        ("CreateUser", {"UserName": unique()}),
        ("ListUsers", {}),
        ("GetUser", {"UserName": other.name}),
        ("DeleteUser", {"UserName": other.name}),
        ("TagUser", {"UserName": user.name, "Tags": []}),
        ("PutUserPolicy", {"UserName": user.name, "PolicyName": "p", "PolicyDocument": ANYTHING}),
    ):
        govern.refused(action, "AccessDeniedException", 403, **members)


def test_not_even_a_user_who_may_do_everything_gets_at_the_roots_keys(account):
    user = account.user(None, statement(Action="*", Resource="*"))
    govern = Governor(account.server.endpoint, user.key)
    govern("CreateUser", UserName=unique())
    for action, members in (
        ("CreateAccessKey", {"Account": account.number}),
        ("ListAccessKeys", {"Account": account.number}),
        ("DeleteAccessKey", {"AccessKeyId": account.root.id}),
        ("UpdateAccessKey", {"AccessKeyId": account.root.id, "Status": "Inactive"}),
    ):
        govern.refused(action, "AccessDeniedException", 403, **members)
    account.govern("ListUsers")


def test_only_who_governs_the_server_can_name_other_accounts(account, other_account, operator):
    name = unique()
    other_account.govern("CreateUser", UserName=name)
    for action, members in (
        ("CreateAccessKey", {}),
        ("CreateUser", {"UserName": "x"}),
        ("ListUsers", {}),
        ("GetUser", {"UserName": name}),
    ):
        account.govern.refused(action, "AccessDeniedException", 403, Account=other_account.number, **members)
    assert operator("GetUser", Account=other_account.number, UserName=name)["User"]["UserName"] == name
    operator("DeleteUser", Account=other_account.number, UserName=name)
    user = Governor(account.server.endpoint, operator.key)("GetUser")["User"]
    assert user["Arn"] == f"arn:aws:iam::{OPERATOR}:root"


def test_an_account_that_lost_its_keys_gets_another_from_who_governs(account, operator):
    account.govern("DeleteAccessKey", AccessKeyId=account.root.id)
    refused(UNKNOWN_KEY, account.sqs.list_queues)
    key = operator.new_key(Account=account.number)
    account.client(key).list_queues()


def test_the_last_key_of_who_governs_stays(operator):
    listed = operator("ListAccessKeys")["AccessKeyMetadata"]
    assert [key["AccessKeyId"] for key in listed] == [operator.key.id]
    operator.refused("DeleteAccessKey", "DeleteConflict", 409, AccessKeyId=operator.key.id)
    operator.refused("UpdateAccessKey", "DeleteConflict", 409, AccessKeyId=operator.key.id, Status="Inactive")
    second = operator.new_key()
    operator("UpdateAccessKey", AccessKeyId=second.id, Status="Inactive")
    # One that is off doesn't count.
    operator.refused("DeleteAccessKey", "DeleteConflict", 409, AccessKeyId=operator.key.id)
    operator("DeleteAccessKey", AccessKeyId=second.id)


def test_changes_at_the_same_time_are_all_made(account):
    names = [unique() for _ in range(8)]

    def make(name):
        for _ in range(2):
            account.govern.new_key(UserName=name)

    for name in names:
        account.govern("CreateUser", UserName=name)
    threads = [threading.Thread(target=make, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for name in names:
        assert len(account.govern("ListAccessKeys", UserName=name)["AccessKeyMetadata"]) == 2


class TestSimulation:
    """SimulatePolicy decides as the server does, and says why."""

    def ask(self, account, **members):
        members = {"Action": "sqs:SendMessage", **members}
        return account.govern("SimulatePolicy", **members)

    def test_by_what_is_stored(self, account):
        queue = account.queue()
        arn = account.arn_of(queue)
        local = {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}
        user = account.user(None, statement(Sid="local", Action="sqs:SendMessage", Resource=arn, Condition=local))
        found = self.ask(account, UserName=user.name, Resource=arn, Context={"aws:SourceIp": "10.1.2.3"})
        assert (found["Allowed"], found["Decision"]) == (True, "allowed")
        assert found["Reason"] == 'allowed by statement 1 (Sid "local") of the identity policy "own"'
        assert found["Statements"] == [{"Policy": {"Kind": "identity", "Name": "own"}, "Statement": 1, "Sid": "local"}]
        found = self.ask(account, UserName=user.name, Resource=arn, Context={"aws:SourceIp": "11.1.2.3"})
        assert (found["Allowed"], found["Decision"]) == (False, "implicitDeny")
        account.set_policy(queue, statement("Deny", Principal="*", Action="sqs:*", Resource=arn))
        found = self.ask(account, UserName=user.name, Resource=arn, Context={"aws:SourceIp": "10.1.2.3"})
        assert (found["Decision"], found["Reason"]) == ("explicitDeny", "denied by statement 1 of the queue's policy")

    def test_by_what_is_given(self, account):
        arn = f"arn:aws:sqs:us-east-1:{account.number}:{unique()}"
        found = self.ask(account, UserName=unique(), Resource=arn, PolicyDocument=ANYTHING)
        assert found["Allowed"] and "no such queue" in found["Note"]
        before = {"DateLessThan": {"aws:CurrentTime": "2030-01-01T00:00:00Z"}}
        window = statement(Principal="*", Action="sqs:*", Resource=arn, Condition=before)
        for time, allowed in (("2029-12-31T23:59:59Z", True), ("2030-01-01T00:00:00Z", False)):
            found = self.ask(
                account, Anonymous=True, Resource=arn, QueuePolicy=policy(window), Context={"aws:CurrentTime": time}
            )
            assert found["Allowed"] == allowed, found
        assert self.ask(account, Resource=arn)["Reason"] == "allowed to the root of the account that owns it"

    def test_not_for_queues_whose_policy_the_caller_could_not_see(self, account, other_account):
        queue = other_account.queue()
        members = {"Action": "sqs:SendMessage", "Resource": other_account.arn_of(queue)}
        account.govern.refused("SimulatePolicy", "AccessDeniedException", 403, **members)

    def test_a_policy_that_is_none(self, account):
        members = {"Action": "sqs:SendMessage", "Resource": "*", "PolicyDocument": "{}"}
        account.govern.refused("SimulatePolicy", "MalformedPolicyDocument", 400, **members)


class TestIam:
    """The same through boto3's IAM client, which has an encoding of its own."""

    @pytest.fixture
    def iam(self, account):
        root = account.root
        return client(account.server.endpoint, access_key=root.id, secret_key=root.secret, service="iam")

    def test_users(self, iam, account):
        name = unique("iam")
        made = iam.create_user(UserName=name, Tags=[{"Key": "a", "Value": "x +1"}, {"Key": "b", "Value": ""}])["User"]
        assert made["Arn"] == f"arn:aws:iam::{account.number}:user/{name}"
        assert made["Tags"] == [{"Key": "a", "Value": "x +1"}, {"Key": "b", "Value": ""}]
        assert made["CreateDate"].year >= 2020
        assert iam.get_user(UserName=name)["User"] == made
        iam.tag_user(UserName=name, Tags=[{"Key": "a", "Value": "2"}])
        iam.untag_user(UserName=name, TagKeys=["b"])
        assert iam.list_user_tags(UserName=name)["Tags"] == [{"Key": "a", "Value": "2"}]
        pages = iam.get_paginator("list_users").paginate(PaginationConfig={"PageSize": 1})
        assert [user["UserName"] for page in pages for user in page["Users"]] == [name]
        with pytest.raises(iam.exceptions.EntityAlreadyExistsException):
            iam.create_user(UserName=name)
        iam.delete_user(UserName=name)
        with pytest.raises(iam.exceptions.NoSuchEntityException):
            iam.get_user(UserName=name)
        assert iam.get_user()["User"]["Arn"] == account.root_arn

    def test_keys(self, iam, account):
        name = unique("iam")
        iam.create_user(UserName=name)
        made = iam.create_access_key(UserName=name)["AccessKey"]
        iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=ANYTHING)
        sqs = account.client(Key(made["AccessKeyId"], made["SecretAccessKey"]))
        sqs.list_queues()
        iam.update_access_key(UserName=name, AccessKeyId=made["AccessKeyId"], Status="Inactive")
        refused(UNKNOWN_KEY, sqs.list_queues)
        listed = iam.list_access_keys(UserName=name)["AccessKeyMetadata"]
        assert [(key["AccessKeyId"], key["Status"]) for key in listed] == [(made["AccessKeyId"], "Inactive")]
        with pytest.raises(iam.exceptions.DeleteConflictException):
            iam.delete_user(UserName=name)
        iam.delete_access_key(UserName=name, AccessKeyId=made["AccessKeyId"])
        iam.delete_user(UserName=name)

    def test_policies(self, iam, account):
        user = account.user()
        document = {"Version": "2012-10-17", "Statement": [statement(Action="sqs:*", Resource="*", Sid="a")]}
        iam.put_user_policy(UserName=user.name, PolicyName="own", PolicyDocument=json.dumps(document))
        assert iam.get_user_policy(UserName=user.name, PolicyName="own")["PolicyDocument"] == document
        assert iam.list_user_policies(UserName=user.name)["PolicyNames"] == ["own"]
        with pytest.raises(iam.exceptions.MalformedPolicyDocumentException):
            iam.put_user_policy(UserName=user.name, PolicyName="own", PolicyDocument="{}")
        iam.delete_user_policy(UserName=user.name, PolicyName="own")
        theirs = client(account.server.endpoint, access_key=user.key.id, secret_key=user.key.secret, service="iam")
        with pytest.raises(theirs.exceptions.ClientError) as error:
            theirs.list_users()
        assert error.value.response["Error"]["Code"] == "AccessDenied"
        assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


def test_conditions_see_the_tags_that_a_request_sets_and_removes(account):
    only = {"ForAllValues:StringEquals": {"aws:TagKeys": ["cost-center"]}}
    tagging = ["iam:TagUser", "iam:UntagUser", "iam:CreateUser"]
    helper = account.user(None, statement(Action=tagging, Resource="*", Condition=only))
    other = account.user(tags={"role": "clerk"})
    as_helper = Governor(account.server.endpoint, helper.key)
    as_helper("TagUser", UserName=other.name, Tags=[{"Key": "cost-center", "Value": "7"}])
    role = [{"Key": "role", "Value": "admin"}]
    as_helper.refused("TagUser", "AccessDeniedException", 403, UserName=helper.name, Tags=role)
    as_helper.refused("CreateUser", "AccessDeniedException", 403, UserName=unique("made"), Tags=role)
    as_helper.refused("UntagUser", "AccessDeniedException", 403, UserName=other.name, TagKeys=["role"])
    as_helper("UntagUser", UserName=other.name, TagKeys=["cost-center"])
    assert account.govern("ListUserTags", UserName=other.name)["Tags"] == [{"Key": "role", "Value": "clerk"}]


def test_tags_at_creation_need_their_own_right(account):
    maker = Governor(account.server.endpoint, account.user(None, statement(Action="iam:CreateUser", Resource="*")).key)
    maker("CreateUser", UserName=unique("made"))
    tags = [{"Key": "team", "Value": "red"}]
    maker.refused("CreateUser", "AccessDeniedException", 403, UserName=unique("made"), Tags=tags)


def test_a_user_is_protected_by_its_tags(account):
    keep = statement(Effect="Deny", Action="*", Resource="*", Condition={"StringEquals": {"aws:ResourceTag/keep": "yes"}})
    janitor = account.user(None, statement(Action="iam:*", Resource="*"), keep)
    kept, other = unique("kept"), unique("other")
    account.govern("CreateUser", UserName=kept, Tags=[{"Key": "keep", "Value": "yes"}])
    account.govern("CreateUser", UserName=other)
    as_janitor = Governor(account.server.endpoint, janitor.key)
    as_janitor.refused("DeleteUser", "AccessDeniedException", 403, UserName=kept)
    as_janitor("DeleteUser", UserName=other)
