package cdn

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync"

	"golang.org/x/sync/errgroup"
)

const (
	askedAtOnce  = 8 // URLs that one node is asked about at a time
	problemsTold = 3 // of each node
)

// each asks every node about all URLs. Nodes are asked beside one another: one that
// hangs keeps nothing from the others.
func (c *HTTPCache) each(ctx context.Context, urls []string, ask request, judge func(status int, header http.Header) error) error {
	problems := make([]error, len(c.nodes))
	var work sync.WaitGroup
	for i, node := range c.nodes {
		work.Go(func() { problems[i] = c.eachURL(ctx, node, urls, ask, judge) })
	}
	work.Wait()
	var lacking, broken []error
	for _, err := range problems {
		if errors.Is(err, ErrUnsupported) {
			lacking = append(lacking, err)
		} else {
			broken = append(broken, err)
		}
	}
	if err := errors.Join(broken...); err != nil {
		return err
	}
	return errors.Join(lacking...)
}

// eachURL asks one node about all URLs, or until it does not answer in time. Problems
// are ErrUnsupported only if all are.
func (c *HTTPCache) eachURL(ctx context.Context, node *url.URL, urls []string, ask request, judge func(status int, header http.Header) error) error {
	var found problems
	work, rest := errgroup.WithContext(ctx)
	work.SetLimit(askedAtOnce)
	for _, target := range urls {
		if rest.Err() != nil {
			break
		}
		work.Go(func() error {
			if rest.Err() != nil {
				return nil
			}
			status, header, err := c.send(rest, node, target, ask)
			if timeout := net.Error(nil); errors.As(err, &timeout) && timeout.Timeout() {
				return err
			}
			if err == nil {
				if err = judge(status, header); err != nil {
					err = fmt.Errorf("%s at %s: %w", ask.method, node.Host, err)
				}
			}
			found.add(err)
			return nil
		})
	}
	if err := work.Wait(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%s at %s: %w", ask.method, node.Host, err)
	}
	return found.err()
}

// problems are what went wrong at one node.
type problems struct {
	mu      sync.Mutex
	broken  []error
	lacking error // ErrUnsupported
	more    int
}

func (p *problems) add(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case err == nil:
	case errors.Is(err, ErrUnsupported):
		p.lacking = err
	case len(p.broken) < problemsTold:
		p.broken = append(p.broken, err)
	default:
		p.more++
	}
}

func (p *problems) err() error {
	if len(p.broken) == 0 {
		return p.lacking
	}
	if p.more > 0 {
		return errors.Join(append(p.broken, fmt.Errorf("and %d more", p.more))...)
	}
	return errors.Join(p.broken...)
}
