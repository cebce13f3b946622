package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

type sample struct {
	rate float64 // requests per second
	p99  time.Duration
}

func median(samples []sample) sample {
	slices.SortFunc(samples, func(a, b sample) int { return int(a.rate - b.rate) })
	return samples[len(samples)/2]
}

// get is a request for a path, by the number of the request.
func get(path string) func(int) (method, url, body string) {
	return func(int) (string, string, string) { return http.MethodGet, path, "" }
}

// load asks as fast as so many connections can for a time. It counts what was
// answered within it.
func load(s *server, request func(int) (method, path, body string), connections int, length time.Duration) sample {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: connections, DisableCompression: true}}
	defer client.CloseIdleConnections()
	var mu sync.Mutex
	var all []time.Duration
	var failed, sent atomic.Int64
	begun := time.Now()
	deadline := begun.Add(length)
	var wg sync.WaitGroup
	for range connections {
		wg.Go(func() {
			var own []time.Duration
			for time.Now().Before(deadline) {
				method, path, body := request(int(sent.Add(1)))
				begin := time.Now()
				if err := s.ask(client, method, path, body); err != nil {
					log.Print(err)
					failed.Add(1)
					continue
				}
				own = append(own, time.Since(begin))
			}
			mu.Lock()
			all = append(all, own...)
			mu.Unlock()
		})
	}
	wg.Wait()
	if failed.Load() > 0 || len(all) == 0 {
		log.Fatalf("%s: %d requests failed", s.url, failed.Load())
	}
	slices.Sort(all)
	return sample{float64(len(all)) / time.Since(begun).Seconds(), all[len(all)*99/100]}
}

// ask sends one request and reads all of its answer, which must be 200.
func (s *server) ask(client *http.Client, method, path, body string) error {
	request, err := http.NewRequestWithContext(context.Background(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+s.token)
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, response.Body)
	if err := errors.Join(err, response.Body.Close()); err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: %s", method, path, response.Status)
	}
	return nil
}
