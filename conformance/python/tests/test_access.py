"""Who may do what: accounts, users, queue policies and their conditions, as SDKs see them."""

import json

import pytest

from support.access import DENIED, NO_TOKEN, UNKNOWN_KEY, Governor, policy, presigned, signed, statement
from support.clients import (
    NO_SUCH_QUEUE, REGION, Http, Refusal, attributes, bodies, receive, receive_one, refused, unique,
)

# One allowed and one denied side of each condition that the tests' own requests can meet.
CONDITIONS = {
    "address range": ({"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}, {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}),
    "no address of a range": (
        {"NotIpAddress": {"aws:SourceIp": ["10.0.0.0/8", "192.0.2.1"]}},
        {"NotIpAddress": {"aws:SourceIp": "127.0.0.1"}},
    ),
    "time window": (
        {
            "DateGreaterThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"},
            "DateLessThan": {"aws:CurrentTime": "2120-01-01T00:00:00Z"},
        },
        {
            "DateGreaterThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"},
            "DateLessThan": {"aws:CurrentTime": "2020-02-01T00:00:00Z"},
        },
    ),
    "seconds since 1970": (
        {"NumericGreaterThan": {"aws:EpochTime": "1577836800"}},
        {"NumericGreaterThan": {"aws:EpochTime": "4733510400"}},
    ),
    "encrypted or not": ({"Bool": {"aws:SecureTransport": "false"}}, {"Bool": {"aws:SecureTransport": "true"}}),
    "user agent": ({"StringLike": {"aws:UserAgent": "*otocore*"}}, {"StringLike": {"aws:UserAgent": "curl*"}}),
    "region": (
        {"StringEquals": {"aws:RequestedRegion": REGION}},
        {"StringEquals": {"aws:RequestedRegion": "eu-west-1"}},
    ),
    "no referer": ({"Null": {"aws:Referer": "true"}}, {"Null": {"aws:Referer": "false"}}),
}


def test_two_accounts_have_queues_of_the_same_name(account, other_account):
    name = unique()
    urls = [owner.sqs.create_queue(QueueName=name)["QueueUrl"] for owner in (account, other_account)]
    assert urls[0] != urls[1] and all(url.endswith(f"/{name}") for url in urls)
    for owner, url in zip((account, other_account), urls):
        assert f"/{owner.number}/" in url
        owner.sqs.send_message(QueueUrl=url, MessageBody=owner.number)
    for owner, url in zip((account, other_account), urls):
        assert bodies(receive(owner.sqs, url, wait=5)) == [owner.number]
        assert owner.sqs.list_queues()["QueueUrls"] == [url]
    for call in ("send_message", "receive_message", "purge_queue", "delete_queue", "get_queue_attributes"):
        more = {"MessageBody": "m"} if call == "send_message" else {}
        refused(DENIED, getattr(account.sqs, call), QueueUrl=urls[1], **more)


def test_a_queue_of_another_account_does_not_show_whether_it_exists(account, other_account):
    there = other_account.queue()
    gone = there.replace(there.rsplit("/", 1)[1], unique())
    for url in (there, gone):
        refused(DENIED, account.sqs.send_message, QueueUrl=url, MessageBody="m")
    refused(NO_SUCH_QUEUE, other_account.sqs.send_message, QueueUrl=gone, MessageBody="m")


def test_a_user_can_use_the_one_queue_that_its_policy_names(account):
    mine, other = account.queue(), account.queue()
    actions = ["sqs:SendMessage", "sqs:ReceiveMessage", "sqs:DeleteMessage"]
    user = account.user(None, statement(Action=actions, Resource=account.arn_of(mine)))
    user.sqs.send_message(QueueUrl=mine, MessageBody="one")
    entries = [{"Id": "a", "MessageBody": "two"}]
    assert user.sqs.send_message_batch(QueueUrl=mine, Entries=entries)["Successful"]
    seen = receive(user.sqs, mine, wait=5)
    assert seen
    user.sqs.delete_message(QueueUrl=mine, ReceiptHandle=seen[0]["ReceiptHandle"])
    message = (
        f"User: {user.arn} is not authorized to perform: sqs:sendmessage on resource: {account.arn_of(other)} "
        "because no identity-based policy allows the sqs:sendmessage action"
    )
    denied = Refusal("AccessDenied", "AccessDeniedException", message, 403)
    refused(denied, user.sqs.send_message, QueueUrl=other, MessageBody="m")
    refused(DENIED, user.sqs.send_message_batch, QueueUrl=other, Entries=entries)
    refused(DENIED, user.sqs.purge_queue, QueueUrl=mine)
    refused(DENIED, user.sqs.list_queues)
    refused(DENIED, user.sqs.create_queue, QueueName=unique())


def test_a_user_without_policies_can_do_nothing(account):
    queue, user = account.queue(), account.user()
    refused(DENIED, user.sqs.send_message, QueueUrl=queue, MessageBody="m")
    refused(DENIED, user.sqs.get_queue_url, QueueName=queue.rsplit("/", 1)[1])


def test_an_explicit_deny_wins(account):
    queue = account.queue()
    allow = statement(Action="sqs:*", Resource="*")
    user = account.user(None, allow, statement("Deny", Action="sqs:PurgeQueue", Resource="*"))
    user.sqs.send_message(QueueUrl=queue, MessageBody="m")
    refused(DENIED, user.sqs.purge_queue, QueueUrl=queue)
    everyone_but = statement("Deny", Principal="*", Action="sqs:SendMessage", Resource=account.arn_of(queue))
    account.set_policy(queue, everyone_but)
    error = refused(DENIED, user.sqs.send_message, QueueUrl=queue, MessageBody="m")
    assert "with an explicit deny in a resource-based policy" in error.response["Error"]["Message"]
    refused(DENIED, account.sqs.send_message, QueueUrl=queue, MessageBody="m")


def test_a_policy_can_not_lock_its_owner_out(account):
    queue = account.queue()
    account.set_policy(queue, statement("Deny", Principal="*", Action="sqs:*", Resource="*"))
    refused(DENIED, account.sqs.receive_message, QueueUrl=queue)
    assert "Deny" in attributes(account.sqs, queue, "Policy")["Policy"]
    account.set_policy(queue)
    account.sqs.send_message(QueueUrl=queue, MessageBody="m")


def test_a_users_policies_take_effect_at_once(account):
    queue, user = account.queue(), account.user()
    send = {"QueueUrl": queue, "MessageBody": "m"}
    for _ in range(3):
        text = policy(statement(Action="sqs:SendMessage", Resource="*"))
        account.govern("PutUserPolicy", UserName=user.name, PolicyName="p", PolicyDocument=text)
        user.sqs.send_message(**send)
        account.govern("DeleteUserPolicy", UserName=user.name, PolicyName="p")
        refused(DENIED, user.sqs.send_message, **send)


def test_a_key_that_is_off_or_gone_opens_nothing(account):
    user = account.user(None, statement(Action="sqs:*", Resource="*"))
    user.sqs.list_queues()
    account.govern("UpdateAccessKey", AccessKeyId=user.key.id, Status="Inactive")
    refused(UNKNOWN_KEY, user.sqs.list_queues)
    account.govern("UpdateAccessKey", AccessKeyId=user.key.id, Status="Active")
    user.sqs.list_queues()
    account.govern("DeleteAccessKey", AccessKeyId=user.key.id)
    refused(UNKNOWN_KEY, user.sqs.list_queues)


def test_a_permission_for_another_account_comes_and_goes_at_once(account, other_account):
    queue = account.queue()
    send = {"QueueUrl": queue, "MessageBody": "m"}
    for _ in range(3):
        refused(DENIED, other_account.sqs.send_message, **send)
        account.sqs.add_permission(
            QueueUrl=queue, Label="share", AWSAccountIds=[other_account.number], Actions=["SendMessage"]
        )
        other_account.sqs.send_message(**send)
        refused(DENIED, other_account.sqs.receive_message, QueueUrl=queue)
        account.sqs.remove_permission(QueueUrl=queue, Label="share")
    refused(DENIED, other_account.sqs.send_message, **send)


def test_a_user_of_another_account_needs_both_sides(account, other_account):
    queue = account.queue()
    send = {"QueueUrl": queue, "MessageBody": "m"}
    able = other_account.user(None, statement(Action="sqs:SendMessage", Resource=account.arn_of(queue)))
    unable = other_account.user()
    refused(DENIED, able.sqs.send_message, **send)
    account.sqs.add_permission(
        QueueUrl=queue, Label="share", AWSAccountIds=[other_account.number], Actions=["SendMessage"]
    )
    able.sqs.send_message(**send)
    refused(DENIED, unable.sqs.send_message, **send)
    # Named itself it still needs its own account's word.
    account.set_policy(
        queue, statement(Principal={"AWS": unable.arn}, Action="sqs:SendMessage", Resource=account.arn_of(queue))
    )
    refused(DENIED, unable.sqs.send_message, **send)
    refused(DENIED, able.sqs.send_message, **send)


def test_a_queues_policy_alone_is_enough_for_users_of_its_account(account):
    queue, user, other = account.queue(), account.user(), account.user()
    account.set_policy(
        queue, statement(Principal={"AWS": user.arn}, Action="sqs:SendMessage", Resource=account.arn_of(queue))
    )
    user.sqs.send_message(QueueUrl=queue, MessageBody="m")
    refused(DENIED, other.sqs.send_message, QueueUrl=queue, MessageBody="m")
    # Naming the account leaves it to the account's own policies.
    account.set_policy(
        queue, statement(Principal={"AWS": account.number}, Action="sqs:SendMessage", Resource=account.arn_of(queue))
    )
    refused(DENIED, user.sqs.send_message, QueueUrl=queue, MessageBody="m")


def test_what_is_never_granted_to_other_accounts(account, other_account):
    queue = account.queue()
    account.set_policy(queue, statement(Principal="*", Action="sqs:*", Resource="*"))
    sqs = other_account.sqs
    sqs.send_message(QueueUrl=queue, MessageBody="m")
    refused(DENIED, sqs.set_queue_attributes, QueueUrl=queue, Attributes={"DelaySeconds": "1"})
    refused(DENIED, sqs.delete_queue, QueueUrl=queue)
    refused(DENIED, sqs.tag_queue, QueueUrl=queue, Tags={"a": "b"})
    refused(DENIED, sqs.untag_queue, QueueUrl=queue, TagKeys=["a"])
    refused(DENIED, sqs.list_queue_tags, QueueUrl=queue)
    refused(DENIED, sqs.add_permission, QueueUrl=queue, Label="l", AWSAccountIds=[account.number], Actions=["*"])
    refused(DENIED, sqs.remove_permission, QueueUrl=queue, Label="l")


def test_somebody_without_credentials_gets_in_where_a_policy_says_everyone(account, stranger):
    queue = account.queue()
    send = {"QueueUrl": queue, "MessageBody": "from nobody"}
    error = refused(DENIED, stranger.send_message, **send)
    assert error.response["Error"]["Message"] == f"Access to the resource {account.arn_of(queue)} is denied."
    account.set_policy(
        queue, statement(Principal="*", Action=["sqs:SendMessage", "sqs:GetQueueUrl"], Resource=account.arn_of(queue))
    )
    stranger.send_message(**send)
    name = queue.rsplit("/", 1)[1]
    assert stranger.get_queue_url(QueueName=name, QueueOwnerAWSAccountId=account.number)["QueueUrl"] == queue
    refused(DENIED, stranger.receive_message, QueueUrl=queue)
    refused(DENIED, stranger.delete_queue, QueueUrl=queue)
    refused(NO_TOKEN, stranger.list_queues)
    assert bodies(receive(account.sqs, queue, wait=5)) == ["from nobody"]
    account.set_policy(queue)
    refused(DENIED, stranger.send_message, **send)


def test_plain_http_without_credentials(guarded, account):
    queue = account.queue()
    account.set_policy(queue, statement(Principal={"AWS": "*"}, Action="sqs:SendMessage", Resource="*"))
    http = Http(guarded.endpoint)
    path = "/" + queue.split("/", 3)[3]
    answer = http.query({"Action": "SendMessage", "MessageBody": "m", "Version": "2012-11-05"}, path)
    assert answer.status == 200, answer
    assert http.json("SendMessage", {"QueueUrl": queue, "MessageBody": "m"}).status == 200
    assert http.json("ReceiveMessage", {"QueueUrl": queue}).status == 403
    http.close()


@pytest.mark.parametrize("name", CONDITIONS)
def test_conditions_of_a_queues_policy(account, stranger, name):
    met, unmet = CONDITIONS[name]
    queue = account.queue()
    grant = {"Principal": "*", "Action": "sqs:SendMessage", "Resource": account.arn_of(queue)}
    account.set_policy(queue, statement(Condition=unmet, **grant))
    refused(DENIED, stranger.send_message, QueueUrl=queue, MessageBody="m")
    account.set_policy(queue, statement(Condition=met, **grant))
    stranger.send_message(QueueUrl=queue, MessageBody="m")
    account.set_policy(queue, statement(**grant), statement("Deny", Condition=met, **grant))
    refused(DENIED, stranger.send_message, QueueUrl=queue, MessageBody="m")


@pytest.mark.parametrize("name", CONDITIONS)
def test_conditions_of_a_users_policy(account, name):
    met, unmet = CONDITIONS[name]
    queue, user = account.queue(), account.user()
    for condition, is_met in ((unmet, False), (met, True)):
        text = policy(statement(Action="sqs:SendMessage", Resource="*", Condition=condition))
        account.govern("PutUserPolicy", UserName=user.name, PolicyName="p", PolicyDocument=text)
        if is_met:
            user.sqs.send_message(QueueUrl=queue, MessageBody="m")
        else:
            refused(DENIED, user.sqs.send_message, QueueUrl=queue, MessageBody="m")


def test_tags_of_users_and_queues_decide(account):
    name = unique()
    theirs = account.sqs.create_queue(QueueName=name, tags={"team": "red"})["QueueUrl"]
    others = account.sqs.create_queue(QueueName=unique(), tags={"team": "blue"})["QueueUrl"]
    same = {"StringEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}}
    user = account.user(None, statement(Action="sqs:SendMessage", Resource="*", Condition=same), tags={"team": "red"})
    user.sqs.send_message(QueueUrl=theirs, MessageBody="m")
    refused(DENIED, user.sqs.send_message, QueueUrl=others, MessageBody="m")
    account.sqs.tag_queue(QueueUrl=others, Tags={"team": "red"})
    user.sqs.send_message(QueueUrl=others, MessageBody="m")
    account.govern("TagUser", UserName=user.name, Tags=[{"Key": "team", "Value": "green"}])
    refused(DENIED, user.sqs.send_message, QueueUrl=theirs, MessageBody="m")
    account.govern("UntagUser", UserName=user.name, TagKeys=["team"])
    refused(DENIED, user.sqs.send_message, QueueUrl=theirs, MessageBody="m")


def test_a_variable_stands_for_the_users_name(account):
    user = account.user(None, statement(Action="sqs:*", Resource="arn:aws:sqs:*:*:${aws:username}-*"))
    url = user.sqs.create_queue(QueueName=f"{user.name}-jobs")["QueueUrl"]
    user.sqs.send_message(QueueUrl=url, MessageBody="m")
    refused(DENIED, user.sqs.create_queue, QueueName="somebody-jobs")


def test_a_redrive_needs_the_rights_to_move_messages(account):
    dead = account.queue()
    redrive = json.dumps({"deadLetterTargetArn": account.arn_of(dead), "maxReceiveCount": 1})
    account.queue(RedrivePolicy=redrive)
    start = statement(Action="sqs:StartMessageMoveTask", Resource="*")
    moves = statement(
        Action=["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"], Resource=account.arn_of(dead)
    )
    refused(DENIED, account.user(None, start).sqs.start_message_move_task, SourceArn=account.arn_of(dead))
    able = account.user(None, start, moves)
    assert able.sqs.start_message_move_task(SourceArn=account.arn_of(dead))["TaskHandle"]


def test_messages_say_who_sent_them(account, stranger):
    queue = account.queue()
    account.set_policy(queue, statement(Principal="*", Action="sqs:SendMessage", Resource="*"))
    user = account.user()
    assert user.id.startswith("AIDA") and len(user.id) == 20
    for sqs, sender in ((account.sqs, account.number), (user.sqs, user.id), (stranger, "127.0.0.1")):
        sqs.send_message(QueueUrl=queue, MessageBody="m")
        message = receive_one(account.sqs, queue, AttributeNames=["SenderId"])
        assert message["Attributes"]["SenderId"] == sender
        account.sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])


def test_the_peek_page_is_closed_to_strangers(guarded, account, other_account):
    queue = account.queue()
    account.sqs.send_message(QueueUrl=queue, MessageBody="a secret of ours")
    host = guarded.endpoint.removeprefix("http://")
    page, parameters = "/_aws/sqs/messages", {"QueueUrl": queue}
    http = Http(guarded.endpoint)
    seen = http.request("GET", presigned(account.root, host, page, parameters))
    assert seen.status == 200 and b"a secret of ours" in seen.body, seen
    answers = [
        http.request("GET", f"{page}?QueueUrl={queue}"),
        http.request("GET", f"{page}?QueueUrl={queue}", headers={"Accept": "application/json"}),
        http.request("GET", f"{page}/{REGION}/{account.number}/{queue.rsplit('/', 1)[1]}"),
        http.request("GET", presigned(other_account.root, host, page, parameters)),
        http.request("GET", presigned(account.user().key, host, page, parameters)),
        http.request("POST", page, f"Action=ReceiveMessage&QueueUrl={queue}".encode()),
    ]
    for answer in answers:
        assert answer.status == 403 and b"secret" not in answer.body, answer
    http.close()


def test_one_key_is_good_for_all_regions(account):
    abroad = account.client(account.root, region="eu-west-3")
    url = abroad.create_queue(QueueName=unique())["QueueUrl"]
    assert "eu-west-3" in attributes(abroad, url, "QueueArn")["QueueArn"]
    refused(NO_SUCH_QUEUE, account.sqs.receive_message, QueueUrl=url)


def test_health_needs_no_credentials(guarded):
    http = Http(guarded.endpoint)
    for page in ("/health", "/livez", "/readyz"):
        assert http.request("GET", page).status == 200
    http.close()


def test_a_signature_counts_for_its_own_service_only(guarded, account):
    """Somebody who was given no more than a signature for SQS can't govern with it, and the other way round."""
    host = guarded.endpoint.removeprefix("http://")
    http = Http(guarded.endpoint)
    for target, service, status in (
        ("Bongsu.ListUsers", "bongsu", 200),
        ("Bongsu.ListUsers", "iam", 200),
        ("Bongsu.ListUsers", "sqs", 403),
        ("Bongsu.ListUsers", "kms", 403),
        ("AmazonSQS.ListQueues", "sqs", 200),
        ("AmazonSQS.ListQueues", "bongsu", 403),
        ("AmazonSQS.ListQueues", "iam", 403),
    ):
        headers = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": target}
        answer = http.request("POST", "/", b"{}", signed(account.root, host, headers, b"{}", service=service))
        assert answer.status == status, (target, service, answer)
        if status == 403:
            assert answer.json()["__type"].endswith("InvalidSignatureException"), answer
    http.close()
    Governor(guarded.endpoint, None).refused("ListUsers", "MissingAuthenticationTokenException", 403)
