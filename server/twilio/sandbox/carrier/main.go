// Command carrier is the sandbox as a process of its own that plays Twilio, for the
// browser tests: an engine goes live with it as with Twilio. Another system gets what
// people write at first. It prints its token; a request to /write at the second address
// has somebody write to the sender.
package main

import (
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"time"

	"eventstream/server/twilio/sandbox"
)

func main() {
	if err := run(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(dir, addr, control string) error {
	s, err := sandbox.Start(sandbox.Options{
		DataDir: dir, Addr: addr, InboundURL: "https://old.example/hooks/whatsapp", Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return err
	}
	defer s.Close()
	calm := sandbox.DefaultSettings()
	calm.ReplyRate, calm.UndeliveredRate = 0, 0
	if err := s.SetSettings(calm); err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /write", func(w http.ResponseWriter, r *http.Request) {
		_, err := s.SendInbound(r.Context(), r.FormValue("from"), sandbox.PhoneNumber, r.FormValue("body"), "Ada")
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
		}
	})
	mux.HandleFunc("POST /approve", func(w http.ResponseWriter, r *http.Request) {
		if !s.Decide(r.FormValue("sid"), "approved", "", "UTILITY") {
			http.Error(w, "there is no such content template", http.StatusNotFound)
		}
	})
	fmt.Printf("%s %s %s\n", s.URL(), sandbox.AccountSID, s.AuthToken())
	server := http.Server{Addr: control, Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	return server.ListenAndServe()
}
