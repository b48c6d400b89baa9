// A TLS server of crypto/tls. Arguments: port, lowest and highest version, suites ("all", "secure" or
// names), groups, and PEM files with a certificate and its key each. What it was told, by the names
// that the library has for it, goes into the file "told" before it listens.
package main

import (
	"crypto/tls"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

func must[T any](value T, err error) T {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return value
}

func number(text string) uint16 {
	return uint16(must(strconv.ParseUint(text, 0, 16)))
}

func main() {
	port, suites := os.Args[1], strings.Split(os.Args[4], ",")
	config := &tls.Config{MinVersion: number(os.Args[2]), MaxVersion: number(os.Args[3])}
	var told strings.Builder
	for version := config.MinVersion; version <= config.MaxVersion; version++ {
		fmt.Fprintf(&told, "version 0x%04x\n", version)
	}
	for _, suite := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		newest := slices.Contains(suite.SupportedVersions, tls.VersionTLS13)
		chosen := suites[0] == "all" || suites[0] == "secure" && !suite.Insecure ||
			slices.Contains(suites, suite.Name)
		// Those of TLS 1.3 cannot be chosen: all of them are on.
		if newest || chosen {
			config.CipherSuites = append(config.CipherSuites, suite.ID)
			fmt.Fprintf(&told, "suite 0x%04x\n", suite.ID)
		}
	}
	for _, text := range strings.Split(os.Args[5], ",") {
		group := tls.CurveID(number(text))
		// One that this version of the library does not have has no name.
		if !strings.HasPrefix(group.String(), "CurveID(") {
			config.CurvePreferences = append(config.CurvePreferences, group)
			fmt.Fprintf(&told, "group 0x%04x\n", uint16(group))
		}
	}
	for _, file := range os.Args[6:] {
		config.Certificates = append(config.Certificates, must(tls.LoadX509KeyPair(file, file)))
	}
	must(0, os.WriteFile("told", []byte(told.String()), 0o600))
	listener := must(tls.Listen("tcp", "127.0.0.1:"+port, config))
	for {
		connection := must(listener.Accept())
		go func() {
			defer connection.Close()
			connection.SetDeadline(time.Now().Add(20 * time.Second))
			io.Copy(io.Discard, connection)
		}()
	}
}
