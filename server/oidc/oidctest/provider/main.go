// Command provider is the tests' OpenID Connect provider as a process of its own,
// for the browser tests.
package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"eventstream/server/oidc/oidctest"
)

func main() {
	l, err := net.Listen("tcp", os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	server := http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: oidctest.New("http://"+os.Args[1],
		oidctest.User{Subject: "1", Email: "olga@shop.example", Verified: true, Name: "Olga Provider", Groups: []string{"admins"}},
		oidctest.User{Subject: "2", Email: "otto@shop.example", Verified: true, Name: "Otto Stranger", Groups: []string{"sales"}},
	)}
	fmt.Println("listening")
	if err := server.Serve(l); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
