// Loads message queues that do not speak SQS, so that `cargo xtask bench` can set them beside Bongsu. Each protocol has
// the plainest client that is fair to it: one connection and one worker each, a send counts when the server has
// confirmed it, a batch of ten is pipelined where the protocol can, receiving takes ten and acknowledges them.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// client is one connection.
type client interface {
	// send returns when the server has confirmed all these messages.
	send(bodies [][]byte) error
	// receive takes up to so many messages, acknowledges them and says how many they were.
	receive(most int) (int, error)
	close()
}

// protocol is what a server speaks.
type protocol struct {
	// setUp makes the queue, and fails while the server is not ready.
	setUp   func(address string) error
	connect func(address string, worker int) (client, error)
}

var protocols = map[string]protocol{
	"redis":      {redisSetUp, redisConnect},
	"beanstalkd": {beanstalkdSetUp, beanstalkdConnect},
	"postgres":   {postgresSetUp, postgresConnect},
	"rabbitmq":   {rabbitmqSetUp, rabbitmqConnect},
	"nats":       {natsSetUp, natsConnect},
}

type options struct {
	protocol, address, mode string
	connections, batch      int
	messageBytes            int
	messages                int64
	seconds, warmup         float64
}

type result struct {
	Messages     int64   `json:"messages"`
	ElapsedS     float64 `json:"elapsed_s"`
	MessagesPerS float64 `json:"messages_per_s"`
	P50Us        float64 `json:"p50_us"`
	P99Us        float64 `json:"p99_us"`
	GeneratorCPU float64 `json:"generator_cpu_s"`
}

func main() {
	var o options
	flag.StringVar(&o.protocol, "protocol", "", "redis, beanstalkd, postgres, rabbitmq or nats")
	flag.StringVar(&o.address, "address", "", "HOST:PORT")
	flag.StringVar(&o.mode, "mode", "send", "set-up, send or receive")
	flag.IntVar(&o.connections, "connections", 64, "connections, each with a worker")
	flag.IntVar(&o.batch, "batch", 1, "messages at a time")
	flag.IntVar(&o.messageBytes, "message-bytes", 1024, "size of a message")
	flag.Int64Var(&o.messages, "messages", 0, "end after so many (receive)")
	flag.Float64Var(&o.seconds, "duration", 5, "seconds to measure")
	flag.Float64Var(&o.warmup, "warmup", 0, "seconds before that")
	flag.Parse()
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(o options) error {
	p, known := protocols[o.protocol]
	if !known {
		names := make([]string, 0, len(protocols))
		for name := range protocols {
			names = append(names, name)
		}
		sort.Strings(names)
		return fmt.Errorf("-protocol must be one of %s", strings.Join(names, ", "))
	}
	if o.mode == "set-up" {
		return p.setUp(o.address)
	}
	if o.mode != "send" && o.mode != "receive" {
		return errors.New("-mode must be set-up, send or receive")
	}
	clients := make([]client, o.connections)
	for i := range clients {
		c, err := p.connect(o.address, i)
		if err != nil {
			return fmt.Errorf("connection %d: %w", i, err)
		}
		defer c.close()
		clients[i] = c
	}
	measured, err := load(o, clients)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(measured)
}

// worker is what one connection did in the time that counts.
type worker struct {
	messages  int64
	last      time.Time
	latencies []time.Duration
	err       error
}

func load(o options, clients []client) (result, error) {
	bodies := make([][]byte, o.batch)
	for i := range bodies {
		bodies[i] = []byte(strings.Repeat("m", o.messageBytes))
	}
	begin := time.Now().Add(time.Duration(o.warmup * float64(time.Second)))
	end := begin.Add(time.Duration(o.seconds * float64(time.Second)))
	var received atomic.Int64
	var cpuBefore time.Duration
	marked := time.AfterFunc(time.Until(begin), func() { cpuBefore = cpuTime() })
	defer marked.Stop()
	if o.warmup <= 0 {
		cpuBefore = cpuTime()
	}
	workers := make([]worker, len(clients))
	var all sync.WaitGroup
	for i := range clients {
		all.Add(1)
		go func() {
			defer all.Done()
			work(o, clients[i], &workers[i], bodies, begin, end, &received)
		}()
	}
	all.Wait()
	return sum(workers, begin, cpuTime()-cpuBefore)
}

func work(o options, c client, w *worker, bodies [][]byte, begin, end time.Time, received *atomic.Int64) {
	for {
		at := time.Now()
		if !at.Before(end) || (o.mode == "receive" && o.messages > 0 && received.Load() >= o.messages) {
			return
		}
		count := len(bodies)
		var err error
		if o.mode == "send" {
			err = c.send(bodies)
		} else {
			count, err = c.receive(o.batch)
			received.Add(int64(count))
		}
		if err != nil {
			w.err = err
			return
		}
		if count > 0 && !at.Before(begin) {
			w.last = time.Now()
			w.messages += int64(count)
			w.latencies = append(w.latencies, w.last.Sub(at))
		}
	}
}

func sum(workers []worker, begin time.Time, cpu time.Duration) (result, error) {
	var all result
	var latencies []time.Duration
	last := begin
	for _, w := range workers {
		if w.err != nil {
			return all, w.err
		}
		all.Messages += w.messages
		latencies = append(latencies, w.latencies...)
		if w.last.After(last) {
			last = w.last
		}
	}
	if all.Messages == 0 {
		return all, errors.New("not a single message was confirmed")
	}
	// Up to the last confirmation: a late one counts with its time, and being done early is not measured as idling.
	all.ElapsedS = last.Sub(begin).Seconds()
	all.MessagesPerS = float64(all.Messages) / all.ElapsedS
	sort.Slice(latencies, func(i, j int) bool { return latencies[i] < latencies[j] })
	at := func(quantile float64) float64 {
		return float64(latencies[int(quantile*float64(len(latencies)-1))].Nanoseconds()) / 1e3
	}
	all.P50Us, all.P99Us = at(0.5), at(0.99)
	all.GeneratorCPU = cpu.Seconds()
	return all, nil
}

func cpuTime() time.Duration {
	var usage syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &usage) != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
