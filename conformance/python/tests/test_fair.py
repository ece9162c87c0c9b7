"""Fair queues: a group id on a standard queue names a tenant, and a noisy one does not hold up the others."""

from support.clients import bodies, receive, receive_all, receive_one


def send_many(sqs, queue, tenant, count):
    for start in range(0, count, 10):
        entries = [
            {"Id": str(n), "MessageBody": f"{tenant}-{start + n}", "MessageGroupId": tenant} for n in range(10)
        ]
        assert len(sqs.send_message_batch(QueueUrl=queue, Entries=entries)["Successful"]) == 10


def test_a_quiet_tenant_is_served_before_a_noisy_one(sqs, queue):
    send_many(sqs, queue, "noisy", 300)
    receive_all(sqs, queue, 40)  # More than 30 in flight, and all of them.
    sqs.send_message(QueueUrl=queue, MessageBody="quiet", MessageGroupId="quiet")
    assert receive_one(sqs, queue)["Body"] == "quiet"


def test_messages_without_a_group_are_a_tenant_too(sqs, queue):
    send_many(sqs, queue, "noisy", 100)
    receive_all(sqs, queue, 40)
    sqs.send_message(QueueUrl=queue, MessageBody="nobody's")
    assert receive_one(sqs, queue)["Body"] == "nobody's"


def test_a_tenants_messages_are_handled_in_parallel(sqs, queue):
    send_many(sqs, queue, "tenant", 20)
    assert len(receive_all(sqs, queue, 20)) == 20


def test_a_noisy_tenant_is_never_throttled(sqs, queue):
    send_many(sqs, queue, "noisy", 100)
    assert len(set(bodies(receive_all(sqs, queue, 100)))) == 100


def test_the_group_is_a_system_attribute(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="m", MessageGroupId="tenant")
    (message,) = receive(sqs, queue, AttributeNames=["All"])
    assert message["Attributes"]["MessageGroupId"] == "tenant"
