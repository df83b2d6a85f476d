package carrier_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"

	"github.com/collectiverpc/collective/conn/carrier"
)

// One end upgrades a connection that it dialled, the other takes it over from net/http. From then on it is a stream that
// both may write to at any time, as for a link.
func Example() {
	mux := http.NewServeMux()
	mux.HandleFunc(carrier.UpgradePath, func(w http.ResponseWriter, r *http.Request) {
		stream, err := carrier.AcceptUpgrade(w, r)
		if err != nil {
			return // it is answered
		}
		defer stream.Close()
		line, _ := bufio.NewReader(stream).ReadString('\n')
		fmt.Fprint(stream, "you said ", line)
	})
	server := httptest.NewServer(mux)
	defer server.Close()

	stream, err := carrier.DialUpgrade(context.Background(), new(net.Dialer), server.Listener.Addr().String(), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer stream.Close()
	fmt.Fprintln(stream, "hello")
	answer, err := bufio.NewReader(stream).ReadString('\n')
	fmt.Print(answer, err)
	// Output:
	// you said hello
	// <nil>
}
