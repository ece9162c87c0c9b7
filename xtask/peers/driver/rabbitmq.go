package main

import (
	"errors"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// RabbitMQ: a quorum queue, publisher confirms. Consumers are pushed to; each tenth message acknowledges ten. The protocol
// does not confirm acknowledgements.

const rabbitmqQueue = "bench"

type rabbitmq struct {
	conn       *amqp.Connection
	channel    *amqp.Channel
	deliveries <-chan amqp.Delivery
	pending    []*amqp.DeferredConfirmation
}

func rabbitmqOpen(address string) (*amqp.Connection, *amqp.Channel, error) {
	conn, err := amqp.Dial("amqp://guest:guest@" + address + "/")
	if err != nil {
		return nil, nil, err
	}
	channel, err := conn.Channel()
	if err != nil {
		conn.Close()
	}
	return conn, channel, err
}

func rabbitmqSetUp(address string) error {
	conn, channel, err := rabbitmqOpen(address)
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = channel.QueueDeclare(rabbitmqQueue, true, false, false, false, amqp.Table{"x-queue-type": "quorum"})
	return err
}

func rabbitmqConnect(address string, _ int) (client, error) {
	conn, channel, err := rabbitmqOpen(address)
	if err != nil {
		return nil, err
	}
	if err := channel.Confirm(false); err != nil {
		conn.Close()
		return nil, err
	}
	return &rabbitmq{conn: conn, channel: channel}, nil
}

func (r *rabbitmq) close() { r.conn.Close() }

func (r *rabbitmq) send(bodies [][]byte) error {
	r.pending = r.pending[:0]
	for _, body := range bodies {
		confirmation, err := r.channel.PublishWithDeferredConfirm("", rabbitmqQueue, false, false,
			amqp.Publishing{DeliveryMode: amqp.Persistent, Body: body})
		if err != nil {
			return err
		}
		r.pending = append(r.pending, confirmation)
	}
	for _, confirmation := range r.pending {
		if !confirmation.Wait() {
			return errors.New("rabbitmq: not confirmed")
		}
	}
	return nil
}

func (r *rabbitmq) receive(most int) (int, error) {
	if r.deliveries == nil {
		// The next ten are on their way while ten are acknowledged.
		if err := r.channel.Qos(2*most, 0, false); err != nil {
			return 0, err
		}
		var err error
		if r.deliveries, err = r.channel.Consume(rabbitmqQueue, "", false, false, false, false, nil); err != nil {
			return 0, err
		}
	}
	var last amqp.Delivery
	count := 0
	deadline := time.NewTimer(200 * time.Millisecond)
	defer deadline.Stop()
	for count < most {
		select {
		case delivery, open := <-r.deliveries:
			if !open {
				return 0, errors.New("rabbitmq: the channel was closed")
			}
			last = delivery
			count++
			continue
		case <-deadline.C:
		}
		break
	}
	if count == 0 {
		return 0, nil
	}
	return count, last.Ack(true)
}
