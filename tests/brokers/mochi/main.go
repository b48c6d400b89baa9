// A broker of mochi-mqtt, set up by the JSON file that the first argument names (see ../README.md).
package main

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/hooks/auth"
	"github.com/mochi-mqtt/server/v2/listeners"
)

type setup struct {
	Port        uint16              `json:"port"`
	Certificate string              `json:"certificate"`
	Key         string              `json:"key"`
	Websockets  bool                `json:"websockets"`
	Users       map[string]string   `json:"users"`
	Rights      map[string][]string `json:"rights"`
}

// ledger says it in mochi's own words. A filter that it does not know is allowed there, so the last
// rule denies everything else.
func (s setup) ledger() *auth.Ledger {
	ledger := &auth.Ledger{}
	if s.Users == nil {
		ledger.Auth = auth.AuthRules{{Allow: true}}
	} else {
		ledger.Users = auth.Users{}
		for user, password := range s.Users {
			ledger.Users[user] = auth.UserRule{Password: auth.RString(password)}
		}
	}
	if s.Rights == nil {
		return ledger
	}
	for user, filters := range s.Rights {
		access := auth.Filters{}
		for _, filter := range filters {
			access[auth.RString(filter)] = auth.ReadWrite
		}
		if user != "" {
			rule := ledger.Users[user]
			rule.ACL = access
			ledger.Users[user] = rule
			continue
		}
		ledger.ACL = append(ledger.ACL, auth.ACLRule{Filters: access})
	}
	ledger.ACL = append(ledger.ACL, auth.ACLRule{Filters: auth.Filters{"#": auth.Deny}})
	return ledger
}

func (s setup) serve() error {
	server := mqtt.New(&mqtt.Options{Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err := server.AddHook(new(auth.Hook), &auth.Options{Ledger: s.ledger()}); err != nil {
		return err
	}
	config := listeners.Config{ID: "listener", Address: fmt.Sprintf("127.0.0.1:%d", s.Port)}
	if s.Certificate != "" {
		pair, err := tls.LoadX509KeyPair(s.Certificate, s.Key)
		if err != nil {
			return err
		}
		config.TLSConfig = &tls.Config{Certificates: []tls.Certificate{pair}}
	}
	var listener listeners.Listener = listeners.NewTCP(config)
	if s.Websockets {
		listener = listeners.NewWebsocket(config)
	}
	if err := server.AddListener(listener); err != nil {
		return err
	}
	return server.Serve()
}

func run() error {
	if len(os.Args) != 2 {
		return fmt.Errorf("usage: mochi SETUP.json")
	}
	text, err := os.ReadFile(os.Args[1])
	if err != nil {
		return err
	}
	var s setup
	if err := json.Unmarshal(text, &s); err != nil {
		return err
	}
	if err := s.serve(); err != nil {
		return err
	}
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGINT, syscall.SIGTERM)
	<-ended
	return nil
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
