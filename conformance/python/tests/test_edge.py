"""What a client sees around the actions: URLs, regions, accounts, endpoints, health, peeking."""

import json
import os
import subprocess
import sys
import urllib.parse
import xml.etree.ElementTree as ElementTree

import boto3
import pytest

from support.clients import (
    ACCOUNT, FORM_TYPE, JSON_TYPE, NO_SUCH_QUEUE, PROTOCOL, Http, arn, attributes, bodies, client, counts, receive,
    receive_one, refused, unique,
)

NAMESPACE = "{http://queue.amazonaws.com/doc/2012-11-05/}"


class TestQueueUrl:
    def test_it_is_the_endpoints_own(self, endpoint, queue):
        assert queue.startswith(f"{endpoint}/{ACCOUNT}/")

    @pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
    def test_it_reflects_the_host_that_the_client_used(self, endpoint, host):
        port = urllib.parse.urlsplit(endpoint).port
        sqs = client(f"http://{host}:{port}")
        name = unique()
        url = sqs.create_queue(QueueName=name)["QueueUrl"]
        assert url == f"http://{host}:{port}/{ACCOUNT}/{name}"
        assert sqs.get_queue_url(QueueName=name)["QueueUrl"] == url
        assert sqs.list_queues(QueueNamePrefix=name)["QueueUrls"] == [url]
        sqs.delete_queue(QueueUrl=url)

    def test_it_reflects_a_name_in_front_of_the_server(self, http, queue):
        name = queue.rsplit("/", 1)[1]
        answer = http.json("GetQueueUrl", {"QueueName": name}, headers={"Host": "queues.example:8080"})
        assert answer.json() == {"QueueUrl": f"http://queues.example:8080/{ACCOUNT}/{name}"}

    def test_public_url_overrides_it(self, new_server):
        server = new_server("--public-url", "https://queues.example").start()
        sqs, name = client(server.endpoint), unique()
        url = sqs.create_queue(QueueName=name)["QueueUrl"]
        assert url == f"https://queues.example/{ACCOUNT}/{name}"
        sqs.send_message(QueueUrl=url, MessageBody="m")
        assert bodies(receive(sqs, url)) == ["m"]

    @pytest.mark.parametrize(
        "form",
        [
            "{endpoint}/{account}/{name}",
            "http://elsewhere.example:1/{account}/{name}",
            "https://sqs.eu-west-1.amazonaws.com/{account}/{name}",
            "https://us-east-1.queue.amazonaws.com/{account}/{name}",
            "{endpoint}/queue/{name}",
            "/{account}/{name}",
            "{name}",
        ],
    )
    def test_its_host_is_ignored_on_input(self, sqs, http, endpoint, queue, form):
        """Shoryuken and others make URLs of ARNs; ElasticMQ's users have `/queue/`."""
        name = queue.rsplit("/", 1)[1]
        url = form.format(endpoint=endpoint, account=ACCOUNT, name=name)
        sent = http.json("SendMessage", {"QueueUrl": url, "MessageBody": "m"})
        assert sent.status == 200, sent
        sent = http.query({"Action": "SendMessage", "QueueUrl": url, "MessageBody": "m"})
        assert sent.status == 200, sent
        assert counts(sqs, queue) == (2, 0, 0)


class TestSeparation:
    def test_regions_are_apart(self, endpoint, sqs, make_queue):
        name = unique()
        here = make_queue(name)
        there_sqs = client(endpoint, region="eu-central-1")
        refused(NO_SUCH_QUEUE, there_sqs.get_queue_url, QueueName=name)
        there = there_sqs.create_queue(QueueName=name)["QueueUrl"]
        assert arn(there_sqs, there) == f"arn:aws:sqs:eu-central-1:{ACCOUNT}:{name}"
        assert arn(sqs, here) == f"arn:aws:sqs:us-east-1:{ACCOUNT}:{name}"
        sqs.send_message(QueueUrl=here, MessageBody="here")
        assert receive(there_sqs, there) == []
        assert bodies(receive(sqs, here)) == ["here"]
        there_sqs.delete_queue(QueueUrl=there)

    def test_any_region_will_do(self, endpoint):
        sqs = client(endpoint, region="my-cellar-1")
        url = sqs.create_queue(QueueName=unique())["QueueUrl"]
        assert ":my-cellar-1:" in arn(sqs, url)
        sqs.delete_queue(QueueUrl=url)

    def test_accounts_are_apart(self, endpoint, sqs, make_queue):
        name = unique()
        make_queue(name)
        other = client(endpoint, access_key="111122223333")
        refused(NO_SUCH_QUEUE, other.get_queue_url, QueueName=name)
        url = other.create_queue(QueueName=name)["QueueUrl"]
        assert url.endswith(f"/111122223333/{name}")
        assert arn(other, url) == f"arn:aws:sqs:us-east-1:111122223333:{name}"
        assert other.list_queues(QueueNamePrefix=name)["QueueUrls"] == [url]
        sqs.send_message(QueueUrl=sqs.get_queue_url(QueueName=name)["QueueUrl"], MessageBody="ours")
        assert receive(other, url) == []
        other.delete_queue(QueueUrl=url)
        assert attributes(sqs, sqs.get_queue_url(QueueName=name)["QueueUrl"])

    def test_options_name_the_default_account_and_region(self, new_server):
        server = new_server("--account", "123456789012", "--region", "ap-northeast-2").start()
        http = Http(server.endpoint)
        url = http.call("CreateQueue", QueueName="q")["QueueUrl"]
        assert url == f"{server.endpoint}/123456789012/q"
        found = http.call("GetQueueAttributes", QueueUrl=url, AttributeNames=["QueueArn"])
        assert found == {"Attributes": {"QueueArn": "arn:aws:sqs:ap-northeast-2:123456789012:q"}}

    def test_a_token_of_a_signed_client_changes_nothing(self, endpoint):
        sqs = boto3.client(
            "sqs", endpoint_url=endpoint, region_name="us-east-1",
            aws_access_key_id="AKIAIOSFODNN7EXAMPLE", aws_secret_access_key="x", aws_session_token="token",
        )
        url = sqs.create_queue(QueueName=unique())["QueueUrl"]
        assert f"/{ACCOUNT}/" in url
        sqs.delete_queue(QueueUrl=url)


class TestEndpoints:
    @pytest.mark.parametrize("path", ["", "/", f"/{ACCOUNT}", f"/{ACCOUNT}/", "/some/path"])
    def test_an_endpoint_may_have_a_path(self, endpoint, path):
        sqs = client(endpoint + path)
        url = sqs.create_queue(QueueName=unique())["QueueUrl"]
        sqs.send_message(QueueUrl=url, MessageBody="m")
        message = receive_one(sqs, url)
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        sqs.delete_queue(QueueUrl=url)

    def test_the_environment_names_it(self, endpoint):
        """As a user's program finds it: nothing in the code says where the queue is."""
        if PROTOCOL == "query":
            pytest.skip("that SDK is older than the variable")
        program = (
            "import boto3; sqs = boto3.client('sqs'); url = sqs.create_queue(QueueName='from-environment')['QueueUrl'];"
            "sqs.send_message(QueueUrl=url, MessageBody='m'); print(url, sqs.receive_message(QueueUrl=url)['Messages'][0]"
            "['Body']); sqs.delete_queue(QueueUrl=url)"
        )
        environment = {
            **os.environ, "AWS_ENDPOINT_URL_SQS": endpoint, "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x",
            "AWS_DEFAULT_REGION": "us-east-1",
        }
        run = subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=60, check=True
        )
        assert run.stdout.split() == [f"{endpoint}/{ACCOUNT}/from-environment", "m"]

    def test_boto3s_resources(self, endpoint):
        resource = boto3.resource(
            "sqs", endpoint_url=endpoint, region_name="us-east-1",
            aws_access_key_id="test", aws_secret_access_key="test",
        )
        queue = resource.create_queue(QueueName=unique())
        queue.send_message(MessageBody="m", MessageAttributes={"a": {"DataType": "String", "StringValue": "v"}})
        (message,) = queue.receive_messages(MessageAttributeNames=["All"], WaitTimeSeconds=5)
        assert message.body == "m" and message.message_attributes["a"]["StringValue"] == "v"
        message.delete()
        assert resource.get_queue_by_name(QueueName=queue.url.rsplit("/", 1)[1]).url == queue.url
        queue.delete()


class TestHealth:
    @pytest.mark.parametrize("path", ["/health", "/livez", "/readyz"])
    def test_it_is_well(self, http, path):
        assert http.request("GET", path).status == 200
        head = http.request("HEAD", path)
        assert head.status == 200 and head.body == b""


class TestPeek:
    PATH = "/_aws/sqs/messages"

    def peek(self, http, queue, show=None, **headers):
        query = urllib.parse.urlencode({"QueueUrl": queue, **(show or {})})
        return http.request("GET", f"{self.PATH}?{query}", headers=headers)

    def bodies(self, answer):
        return [node.text for node in ElementTree.fromstring(answer.body).iter(NAMESPACE + "Body")]

    def test_json(self, sqs, http, queue):
        """As LocalStack has it, which writes the XML's elements as keys: one message is an object, several are a list."""
        sent = sqs.send_message(QueueUrl=queue, MessageBody="<one> & \r")
        answer = self.peek(http, queue, Accept="application/json")
        assert answer.status == 200, answer
        message = answer.json()["ReceiveMessageResponse"]["ReceiveMessageResult"]["Message"]
        assert message["MessageId"] == sent["MessageId"]
        assert message["Body"] == "<one> & \r"
        sqs.send_message(QueueUrl=queue, MessageBody="two")
        answer = self.peek(http, queue, Accept="application/json")
        messages = answer.json()["ReceiveMessageResponse"]["ReceiveMessageResult"]["Message"]
        assert sorted(bodies(messages)) == ["<one> & \r", "two"]
        named = {attribute["Name"]: attribute["Value"] for attribute in messages[0]["Attribute"]}
        assert named["ApproximateReceiveCount"] == "0"

    def test_messages_in_flight_and_delayed_show_when_asked_for(self, sqs, http, queue):
        sqs.send_message(QueueUrl=queue, MessageBody="in flight")
        receive_one(sqs, queue)
        sqs.send_message(QueueUrl=queue, MessageBody="delayed", DelaySeconds=900)
        sqs.send_message(QueueUrl=queue, MessageBody="visible")
        assert self.bodies(self.peek(http, queue)) == ["visible"]
        assert sorted(self.bodies(self.peek(http, queue, {"ShowInvisible": "true"}))) == ["in flight", "visible"]
        assert sorted(self.bodies(self.peek(http, queue, {"ShowDelayed": "true"}))) == ["delayed", "visible"]

    def test_xml(self, sqs, http, queue):
        sent = sqs.send_message(QueueUrl=queue, MessageBody="<visible> & \r")
        answer = self.peek(http, queue)
        assert answer.status == 200, answer
        root = ElementTree.fromstring(answer.body)
        assert [node.text for node in root.iter(NAMESPACE + "MessageId")] == [sent["MessageId"]]
        assert [node.text for node in root.iter(NAMESPACE + "Body")] == ["<visible> & \r"]

    def test_it_changes_nothing(self, sqs, http, make_queue):
        queue = make_queue(fifo=True, ContentBasedDeduplication="true")
        for body in ("one", "two"):
            sqs.send_message(QueueUrl=queue, MessageBody=body, MessageGroupId="g")
        before = attributes(sqs, queue)
        for _ in range(3):
            answer = self.peek(http, queue)
            assert answer.body.count(b"<Body>") == 2, answer
        assert attributes(sqs, queue) == before
        messages = receive(sqs, queue, AttributeNames=["ApproximateReceiveCount"])
        assert bodies(messages) == ["one", "two"]
        assert {m["Attributes"]["ApproximateReceiveCount"] for m in messages} == {"1"}

    def test_an_empty_queue(self, http, queue):
        answer = self.peek(http, queue)
        assert answer.status == 200 and b"<Body>" not in answer.body

    def test_a_missing_queue(self, http, endpoint):
        answer = self.peek(http, f"{endpoint}/{ACCOUNT}/{unique()}")
        assert answer.status == 400
        assert b"NonExistentQueue" in answer.body or b"QueueDoesNotExist" in answer.body

    def test_a_queues_own_path_is_accepted_too(self, sqs, http, queue):
        sqs.send_message(QueueUrl=queue, MessageBody="m")
        name = queue.rsplit("/", 1)[1]
        answer = http.request("GET", f"{self.PATH}/us-east-1/{ACCOUNT}/{name}")
        assert answer.status == 200 and b"<Body>m</Body>" in answer.body


class TestEncodings:
    """Whatever an action is spoken in, it is the same queue."""

    def test_one_queue_in_both(self, sqs, http, queue):
        http.query({"Action": "SendMessage", "QueueUrl": queue, "MessageBody": "by query"})
        http.json("SendMessage", {"QueueUrl": queue, "MessageBody": "by json"})
        assert sorted(bodies(receive(sqs, queue))) == ["by json", "by query"]

    def test_query_by_get(self, sqs, http, queue):
        path = urllib.parse.urlsplit(queue).path
        answer = http.request("GET", f"{path}?Action=SendMessage&MessageBody=a%20b%2Bc")
        assert answer.status == 200, answer
        assert answer.headers["content-type"].startswith("text/xml")
        answer = http.request("GET", "/?Action=ListQueues&QueueNamePrefix=" + path.rsplit("/", 1)[1])
        assert [node.text for node in ElementTree.fromstring(answer.body).iter(NAMESPACE + "QueueUrl")] == [queue]
        assert bodies(receive(sqs, queue)) == ["a b+c"]

    def test_query_by_get_signed_in_its_parameters(self, sqs, http, queue):
        """A presigned URL: region and account are in the credential that it carries."""
        signed = {
            "X-Amz-Algorithm": "AWS4-HMAC-SHA256", "X-Amz-Date": "20260101T000000Z", "X-Amz-Expires": "3600",
            "X-Amz-SignedHeaders": "host", "X-Amz-Signature": "0" * 64,
        }
        name = queue.rsplit("/", 1)[1]
        for credential, status in (
            ("test/20260101/us-east-1/sqs/aws4_request", 200),
            ("test/20260101/eu-west-3/sqs/aws4_request", 400),
            ("111122223333/20260101/us-east-1/sqs/aws4_request", 400),
        ):
            query = urllib.parse.urlencode(
                {"Action": "GetQueueUrl", "QueueName": name, "X-Amz-Credential": credential, **signed}
            )
            assert http.request("GET", f"/?{query}").status == status, credential

    def test_query_by_post_to_the_queues_path(self, sqs, http, queue):
        path = urllib.parse.urlsplit(queue).path
        assert http.query({"Action": "SendMessage", "MessageBody": "m"}, path).status == 200
        assert bodies(receive(sqs, queue)) == ["m"]

    def test_a_parameter_wins_over_the_path(self, sqs, http, make_queue):
        queue, other = make_queue(), make_queue()
        path = urllib.parse.urlsplit(other).path
        http.query({"Action": "SendMessage", "QueueUrl": queue, "MessageBody": "m"}, path)
        assert bodies(receive(sqs, queue)) == ["m"]
        assert receive(sqs, other) == []

    def test_a_query_call_answers_json_when_asked_to(self, http, queue):
        answer = http.query(
            {"Action": "GetQueueUrl", "QueueName": queue.rsplit("/", 1)[1]}, headers={"Accept": "application/json"}
        )
        assert answer.status == 200
        assert answer.json()["GetQueueUrlResponse"]["GetQueueUrlResult"]["QueueUrl"] == queue

    def test_each_answer_names_its_request(self, http, queue):
        ids = set()
        for answer in (
            http.json("GetQueueUrl", {"QueueName": queue.rsplit("/", 1)[1]}),
            http.json("GetQueueUrl", {"QueueName": unique()}),
            http.query({"Action": "GetQueueUrl", "QueueName": queue.rsplit("/", 1)[1]}),
            http.query({"Action": "GetQueueUrl", "QueueName": unique()}),
        ):
            ids.add(answer.headers["x-amzn-requestid"])
            if not answer.headers["content-type"].startswith(JSON_TYPE):
                root = ElementTree.fromstring(answer.body)
                assert root.find(f".//{NAMESPACE}RequestId").text == answer.headers["x-amzn-requestid"]
        assert len(ids) == 4

    def test_json_answers_are_json(self, http, queue):
        answer = http.json("ListQueues", {})
        assert answer.headers["content-type"].startswith(JSON_TYPE)
        # What has no result has an empty answer or an empty object: SDKs take both.
        answer = http.json("TagQueue", {"QueueUrl": queue, "Tags": {"a": "b"}})
        assert answer.status == 200 and answer.body in (b"", b"{}")

    def test_parameters_of_a_queue_are_the_same_in_both(self, sqs, http, queue):
        body = {"Action": "GetQueueAttributes", "QueueUrl": queue, "AttributeName.1": "All"}
        root = ElementTree.fromstring(http.request("POST", "/", urllib.parse.urlencode(body).encode(),
                                                   {"Content-Type": FORM_TYPE}).body)
        spoken = {
            node.find(NAMESPACE + "Name").text: node.find(NAMESPACE + "Value").text
            for node in root.iter(NAMESPACE + "Attribute")
        }
        assert spoken == json.loads(http.json("GetQueueAttributes", {"QueueUrl": queue, "AttributeNames": ["All"]}).body)[
            "Attributes"
        ]
        assert spoken == attributes(sqs, queue)
