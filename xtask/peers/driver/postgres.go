package main

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// PostgreSQL: a table, and SKIP LOCKED so that receivers don't wait for each other. A message is deleted in the
// transaction that took it; its end is the acknowledgement.

type postgres struct {
	conn *pgx.Conn
}

const (
	postgresSend      = "insert into queue (body) values ($1)"
	postgresSendBatch = "insert into queue (body) select unnest($1::bytea[])"
	postgresReceive   = "delete from queue where id in (select id from queue order by id for update skip locked limit $1) returning body"
)

func postgresOpen(address string) (*pgx.Conn, error) {
	return pgx.Connect(context.Background(), "postgres://bench@"+address+"/postgres?sslmode=disable")
}

func postgresSetUp(address string) error {
	conn, err := postgresOpen(address)
	if err != nil {
		return err
	}
	defer conn.Close(context.Background())
	for _, setting := range []string{"fsync", "synchronous_commit"} {
		var value string
		if err := conn.QueryRow(context.Background(), "show "+setting).Scan(&value); err != nil {
			return err
		}
		if value != "on" {
			return fmt.Errorf("%s is %s", setting, value)
		}
	}
	_, err = conn.Exec(context.Background(),
		"create table queue (id bigint generated always as identity primary key, body bytea not null)")
	return err
}

func postgresConnect(address string, _ int) (client, error) {
	conn, err := postgresOpen(address)
	return &postgres{conn}, err
}

func (p *postgres) close() { p.conn.Close(context.Background()) }

func (p *postgres) send(bodies [][]byte) error {
	var err error
	if len(bodies) == 1 {
		_, err = p.conn.Exec(context.Background(), postgresSend, bodies[0])
	} else {
		_, err = p.conn.Exec(context.Background(), postgresSendBatch, bodies)
	}
	return err
}

func (p *postgres) receive(most int) (int, error) {
	ctx := context.Background()
	var begin pgx.Batch
	begin.Queue("begin")
	begin.Queue(postgresReceive, most)
	answers := p.conn.SendBatch(ctx, &begin)
	if _, err := answers.Exec(); err != nil {
		answers.Close()
		return 0, err
	}
	rows, err := answers.Query()
	if err != nil {
		answers.Close()
		return 0, err
	}
	count := 0
	for rows.Next() {
		var body []byte
		if err := rows.Scan(&body); err != nil {
			rows.Close()
			answers.Close()
			return 0, err
		}
		count++
	}
	if err := rows.Err(); err != nil {
		answers.Close()
		return 0, err
	}
	if err := answers.Close(); err != nil {
		return 0, err
	}
	_, err = p.conn.Exec(ctx, "commit")
	return count, err
}
