//! AWS Query, its variants, and which encoding an answer is in.

use crate::fixture::Server;
use serde_json::json;

#[test]
fn query_answers_in_xml() {
    let server = Server::in_memory();
    let created = server.query("/", "Action=CreateQueue&Version=2012-11-05&QueueName=jobs");
    let url = format!("http://{}/000000000000/jobs", server.address);
    assert_eq!((created.status, created.element("QueueUrl")), (200, Some(url)));
    assert_eq!(created.header("content-type"), Some("text/xml"));
    assert_eq!(created.element("RequestId").as_deref(), created.header("x-amzn-requestid"));
    let sent = server.query("/000000000000/jobs", "Action=SendMessage&MessageBody=a%0D%26%3Cb%3E");
    assert_eq!(sent.element("MD5OfMessageBody").as_deref(), Some("a944ea2fad834b3b45b10a4318ba5204"));
    let received = server.query("/000000000000/jobs", "Action=ReceiveMessage&AttributeName.1=All");
    assert_eq!(received.element("Body").as_deref(), Some("a&#13;&amp;&lt;b&gt;"));
}

#[test]
fn get_works_as_post_does_and_the_parameter_wins_over_the_path() {
    let server = Server::in_memory();
    server.queue("jobs", &json!({}));
    server.queue("other", &json!({}));
    assert_eq!(server.get("/000000000000/jobs?Action=SendMessage&MessageBody=x", "").status, 200);
    let target = "/000000000000/jobs?Action=ReceiveMessage&QueueUrl=other";
    assert_eq!(server.get(target, "").element("Body"), None);
    assert_eq!(
        server.get("/000000000000/jobs?Action=ReceiveMessage", "").element("Body").as_deref(),
        Some("x")
    );
}

#[test]
fn a_presigned_url_names_account_and_region() {
    let server = Server::in_memory();
    let credential = "X-Amz-Credential=123456789012%2F20260101%2Feu-west-1%2Fsqs%2Faws4_request";
    let created = server.get(&format!("/?Action=CreateQueue&QueueName=jobs&{credential}"), "");
    let url = format!("http://{}/123456789012/jobs", server.address);
    assert_eq!(created.element("QueueUrl"), Some(url));
}

#[test]
fn query_answers_in_json_to_who_accepts_that() {
    let server = Server::in_memory();
    server.queue("jobs", &json!({}));
    let accept = "Accept: application/json\r\n";
    let target = "/000000000000/jobs?Action=GetQueueAttributes&AttributeName.1=QueueArn";
    let answer = server.get(target, accept);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let result = &answer.json()["GetQueueAttributesResponse"]["GetQueueAttributesResult"];
    let arn = json!([{ "Name": "QueueArn", "Value": "arn:aws:sqs:us-east-1:000000000000:jobs" }]);
    assert_eq!(result["Attributes"], arn);
    let error = server.get("/000000000000/none?Action=ReceiveMessage", accept);
    assert_eq!(error.status, 400);
    assert_eq!(error.json()["Error"]["Code"], "AWS.SimpleQueueService.NonExistentQueue");
    // As with the real service, this one page is XML for everybody.
    let nothing = server.get("/000000000000/jobs", accept);
    assert_eq!((nothing.status, nothing.text().as_str()), (404, "<UnknownOperationException/>\n"));
}

#[test]
fn actions_without_a_queue_have_no_place_on_a_queues_path() {
    let server = Server::in_memory();
    server.queue("jobs", &json!({}));
    for action in ["ListQueues", "CreateQueue&QueueName=x"] {
        let answer = server.get(&format!("/000000000000/jobs?Action={action}"), "");
        let name = action.split('&').next().unwrap();
        assert_eq!((answer.status, answer.element("Code").as_deref()), (400, Some("InvalidAction")));
        let message = format!("The action {name} is not valid for this endpoint.");
        assert_eq!(answer.element("Message"), Some(message));
    }
    let found = server.get("/000000000000/jobs?Action=GetQueueUrl&QueueName=jobs", "");
    assert_eq!(found.status, 200);
}

/// Some clients post JSON to a path: it has no meaning there.
#[test]
fn json_is_dispatched_by_target_whatever_the_path() {
    let server = Server::in_memory();
    let head = format!(
        "POST /000000000000/jobs HTTP/1.1\r\nHost: {}\r\nX-Amz-Target: AmazonSQS.CreateQueue\r\n",
        server.address
    );
    assert_eq!(server.post(&head, b"{\"QueueName\":\"jobs\"}").status, 200);
}

#[test]
fn queue_urls_carry_the_host_that_the_client_used() {
    let server = Server::in_memory();
    server.queue("jobs", &json!({}));
    let answer = |host: &str| {
        let head = format!("POST / HTTP/1.1\r\nHost: {host}\r\nX-Amz-Target: AmazonSQS.GetQueueUrl\r\n");
        server.post(&head, b"{\"QueueName\":\"jobs\"}").json()["QueueUrl"].clone()
    };
    assert_eq!(answer("queues.internal:8080"), "http://queues.internal:8080/000000000000/jobs");
    assert_eq!(answer("localhost"), "http://localhost/000000000000/jobs");
}
