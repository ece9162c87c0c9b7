package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

// Redis and beanstalkd have protocols of lines, spoken here without a library.

type lines struct {
	conn net.Conn
	in   *bufio.Reader
	out  []byte
}

func dial(address string) (*lines, error) {
	conn, err := net.DialTimeout("tcp", address, 5*time.Second)
	if err != nil {
		return nil, err
	}
	return &lines{conn: conn, in: bufio.NewReaderSize(conn, 64<<10)}, nil
}

func (l *lines) close() { l.conn.Close() }

// flush writes what was put together, as one packet if it fits.
func (l *lines) flush() error {
	_, err := l.conn.Write(l.out)
	l.out = l.out[:0]
	return err
}

func (l *lines) line() (string, error) {
	text, err := l.in.ReadSlice('\n')
	if err != nil {
		return "", err
	}
	return strings.TrimRight(string(text), "\r\n"), nil
}

func (l *lines) skip(bytes int) error {
	_, err := io.CopyN(io.Discard, l.in, int64(bytes))
	return err
}

// ── Redis: a stream with a consumer group; what is acknowledged is also deleted, as a queue does ──

const redisStream, redisGroup = "bench", "group"

type redis struct {
	*lines
	consumer string
	ids      []string
}

func redisConnect(address string, worker int) (client, error) {
	l, err := dial(address)
	return &redis{lines: l, consumer: "c" + strconv.Itoa(worker)}, err
}

func redisSetUp(address string) error {
	l, err := dial(address)
	if err != nil {
		return err
	}
	defer l.close()
	r := &redis{lines: l}
	r.command("CONFIG", "GET", "appendfsync")
	r.command("XGROUP", "CREATE", redisStream, redisGroup, "0", "MKSTREAM")
	if err := r.flush(); err != nil {
		return err
	}
	setting, err := r.reply()
	if err != nil {
		return err
	}
	if parts, ok := setting.([]any); !ok || len(parts) != 2 || parts[1] != "always" {
		return fmt.Errorf("appendfsync is %v, not always", setting)
	}
	_, err = r.reply()
	return err
}

func (r *redis) command(words ...string) {
	r.out = fmt.Appendf(r.out, "*%d\r\n", len(words))
	for _, word := range words {
		r.word(word)
	}
}

func (r *redis) word(word string) {
	r.out = append(r.out, '$')
	r.out = strconv.AppendInt(r.out, int64(len(word)), 10)
	r.out = append(r.out, "\r\n"...)
	r.out = append(r.out, word...)
	r.out = append(r.out, "\r\n"...)
}

func (r *redis) send(bodies [][]byte) error {
	for _, body := range bodies {
		r.out = append(r.out, "*5\r\n$4\r\nXADD\r\n$5\r\nbench\r\n$1\r\n*\r\n$1\r\nm\r\n$"...)
		r.out = strconv.AppendInt(r.out, int64(len(body)), 10)
		r.out = append(r.out, "\r\n"...)
		r.out = append(r.out, body...)
		r.out = append(r.out, "\r\n"...)
	}
	if err := r.flush(); err != nil {
		return err
	}
	for range bodies {
		if _, err := r.reply(); err != nil {
			return err
		}
	}
	return nil
}

func (r *redis) receive(most int) (int, error) {
	r.command("XREADGROUP", "GROUP", redisGroup, r.consumer, "COUNT", strconv.Itoa(most), "BLOCK", "100",
		"STREAMS", redisStream, ">")
	if err := r.flush(); err != nil {
		return 0, err
	}
	answer, err := r.reply()
	if err != nil || answer == nil {
		return 0, err
	}
	r.ids = r.ids[:0]
	for _, stream := range answer.([]any) {
		for _, entry := range stream.([]any)[1].([]any) {
			r.ids = append(r.ids, entry.([]any)[0].(string))
		}
	}
	r.command(append([]string{"XACK", redisStream, redisGroup}, r.ids...)...)
	r.command(append([]string{"XDEL", redisStream}, r.ids...)...)
	if err := r.flush(); err != nil {
		return 0, err
	}
	for range 2 {
		count, err := r.reply()
		if err != nil {
			return 0, err
		}
		if count != int64(len(r.ids)) {
			return 0, fmt.Errorf("%v of %d were acknowledged", count, len(r.ids))
		}
	}
	return len(r.ids), nil
}

func (r *redis) reply() (any, error) {
	text, err := r.line()
	if err != nil {
		return nil, err
	}
	if text == "" {
		return nil, fmt.Errorf("an empty reply")
	}
	switch rest := text[1:]; text[0] {
	case '+':
		return rest, nil
	case '-':
		return nil, fmt.Errorf("redis: %s", rest)
	case ':':
		return strconv.ParseInt(rest, 10, 64)
	case '$':
		length, err := strconv.Atoi(rest)
		if err != nil || length < 0 {
			return nil, err
		}
		content := make([]byte, length+2)
		_, err = io.ReadFull(r.in, content)
		return string(content[:length]), err
	case '*':
		length, err := strconv.Atoi(rest)
		if err != nil || length < 0 {
			return nil, err
		}
		parts := make([]any, length)
		for i := range parts {
			if parts[i], err = r.reply(); err != nil {
				return nil, err
			}
		}
		return parts, nil
	}
	return nil, fmt.Errorf("redis: %q", text)
}

// ── beanstalkd: the default tube; ten commands are written at once ──

type beanstalkd struct {
	*lines
	ids []string
}

func beanstalkdConnect(address string, _ int) (client, error) {
	l, err := dial(address)
	return &beanstalkd{lines: l}, err
}

func beanstalkdSetUp(address string) error {
	l, err := dial(address)
	if err == nil {
		l.close()
	}
	return err
}

func (b *beanstalkd) send(bodies [][]byte) error {
	for _, body := range bodies {
		b.out = fmt.Appendf(b.out, "put 0 0 30 %d\r\n%s\r\n", len(body), body)
	}
	if err := b.flush(); err != nil {
		return err
	}
	for range bodies {
		text, err := b.line()
		if err != nil {
			return err
		}
		if !strings.HasPrefix(text, "INSERTED ") {
			return fmt.Errorf("beanstalkd: %s", text)
		}
	}
	return nil
}

func (b *beanstalkd) receive(most int) (int, error) {
	for range most {
		b.out = append(b.out, "reserve-with-timeout 0\r\n"...)
	}
	if err := b.flush(); err != nil {
		return 0, err
	}
	b.ids = b.ids[:0]
	for range most {
		text, err := b.line()
		if err != nil {
			return 0, err
		}
		words := strings.Fields(text)
		if len(words) != 3 || words[0] != "RESERVED" {
			if text == "TIMED_OUT" {
				continue
			}
			return 0, fmt.Errorf("beanstalkd: %s", text)
		}
		length, err := strconv.Atoi(words[2])
		if err != nil {
			return 0, err
		}
		if err := b.skip(length + 2); err != nil {
			return 0, err
		}
		b.ids = append(b.ids, words[1])
	}
	if len(b.ids) == 0 {
		// Nothing is left: others may still be at work.
		time.Sleep(time.Millisecond)
		return 0, nil
	}
	for _, id := range b.ids {
		b.out = fmt.Appendf(b.out, "delete %s\r\n", id)
	}
	if err := b.flush(); err != nil {
		return 0, err
	}
	for range b.ids {
		text, err := b.line()
		if err != nil {
			return 0, err
		}
		if text != "DELETED" {
			return 0, fmt.Errorf("beanstalkd: %s", text)
		}
	}
	return len(b.ids), nil
}
