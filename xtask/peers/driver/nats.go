package main

import (
	"errors"
	"time"

	"github.com/nats-io/nats.go"
)

// NATS JetStream: a work queue in a file, a pull consumer. A send counts with the stream's acknowledgement; that of a
// message received is not confirmed. Server 2.9 answers before it syncs.

const natsSubject, natsConsumer = "bench", "workers"

type jetStream struct {
	conn         *nats.Conn
	stream       nats.JetStreamContext
	subscription *nats.Subscription
}

func natsOpen(address string) (*nats.Conn, nats.JetStreamContext, error) {
	conn, err := nats.Connect("nats://" + address)
	if err != nil {
		return nil, nil, err
	}
	stream, err := conn.JetStream()
	if err != nil {
		conn.Close()
	}
	return conn, stream, err
}

func natsSetUp(address string) error {
	conn, stream, err := natsOpen(address)
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = stream.AddStream(&nats.StreamConfig{
		Name: "bench", Subjects: []string{natsSubject}, Storage: nats.FileStorage, Retention: nats.WorkQueuePolicy,
	})
	if err != nil {
		return err
	}
	_, err = stream.AddConsumer("bench", &nats.ConsumerConfig{
		Durable: natsConsumer, AckPolicy: nats.AckExplicitPolicy, MaxAckPending: 100_000,
	})
	return err
}

func natsConnect(address string, _ int) (client, error) {
	conn, stream, err := natsOpen(address)
	if err != nil {
		return nil, err
	}
	return &jetStream{conn: conn, stream: stream}, nil
}

func (n *jetStream) close() { n.conn.Close() }

func (n *jetStream) send(bodies [][]byte) error {
	if len(bodies) == 1 {
		_, err := n.stream.Publish(natsSubject, bodies[0])
		return err
	}
	pending := make([]nats.PubAckFuture, len(bodies))
	for i, body := range bodies {
		future, err := n.stream.PublishAsync(natsSubject, body)
		if err != nil {
			return err
		}
		pending[i] = future
	}
	for _, future := range pending {
		select {
		case <-future.Ok():
		case err := <-future.Err():
			return err
		case <-time.After(10 * time.Second):
			return errors.New("nats: no acknowledgement within ten seconds")
		}
	}
	return nil
}

func (n *jetStream) receive(most int) (int, error) {
	if n.subscription == nil {
		var err error
		n.subscription, err = n.stream.PullSubscribe(natsSubject, natsConsumer, nats.Bind("bench", natsConsumer))
		if err != nil {
			return 0, err
		}
	}
	messages, err := n.subscription.Fetch(most, nats.MaxWait(200*time.Millisecond))
	if err != nil && !errors.Is(err, nats.ErrTimeout) {
		return 0, err
	}
	for _, message := range messages {
		if err := message.Ack(); err != nil {
			return 0, err
		}
	}
	return len(messages), nil
}
