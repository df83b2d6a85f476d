package main

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/proto"

	benchv1 "github.com/collectiverpc/collective/bench/gen/bench/v1"
)

// natsRequest is request/reply through a nats-server with its defaults: one client connection for the callers, one for
// the responder, the same protobuf messages marshalled and parsed on both ends. It carries no metadata and its timeout
// stays with the caller, which makes it cheaper than what ours carries.
var natsRequest = contender{"nats", startNATS}

const natsSubject = "bench.v1.BenchService.Echo"

var errNATSNotReady = errors.New("nats-server does not accept connections")

func startNATS(_ context.Context, l load) (*bed, error) {
	b := &bed{}
	broker, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, NoLog: true, NoSigs: true})
	if err != nil {
		return nil, err
	}
	broker.Start()
	b.onClose(func() error { broker.Shutdown(); broker.WaitForShutdown(); return nil })
	if !broker.ReadyForConnections(5 * time.Second) {
		return nil, errors.Join(errNATSNotReady, b.close())
	}
	if err := b.joinNATS(broker.ClientURL(), l.size); err != nil {
		return nil, errors.Join(err, b.close())
	}
	return b, nil
}

// joinNATS connects the responder and the requester.
func (b *bed) joinNATS(url string, size int) error {
	responder, err := nats.Connect(url)
	if err != nil {
		return err
	}
	b.onClose(quietly(responder.Close))
	if _, err := responder.Subscribe(natsSubject, natsEcho); err != nil {
		return err
	}
	if err := responder.Flush(); err != nil {
		return err
	}
	requester, err := nats.Connect(url)
	if err != nil {
		return err
	}
	b.onClose(quietly(requester.Close))
	b.op = natsOperation(requester, payload(size))
	return nil
}

func natsOperation(conn *nats.Conn, sent []byte) operation {
	return func(context.Context) (yield, error) {
		request, err := proto.Marshal(&benchv1.EchoRequest{Payload: sent})
		if err != nil {
			return yield{}, err
		}
		reply, err := conn.Request(natsSubject, request, callTimeout)
		if err != nil {
			return yield{}, err
		}
		var got benchv1.EchoResponse
		if err := proto.Unmarshal(reply.Data, &got); err != nil {
			return yield{}, err
		}
		return checkEcho(len(sent), len(got.GetPayload()))
	}
}

// natsEcho does not answer what it cannot parse: the caller then reports its timeout.
func natsEcho(message *nats.Msg) {
	var in benchv1.EchoRequest
	if err := proto.Unmarshal(message.Data, &in); err != nil {
		return
	}
	answer, err := proto.Marshal(&benchv1.EchoResponse{Payload: in.GetPayload()})
	if err != nil {
		return
	}
	_ = message.Respond(answer)
}
