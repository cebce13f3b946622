package entry

// Listener receives what is stored from now on.
type Listener struct {
	store *Store
	want  func(*Record) bool
	c     chan Record
	lost  chan struct{}
}

// listenerQueue is how far a listener may be behind.
const listenerQueue = 1024

// Listen begins to receive records that want accepts. Close must be called.
func (s *Store) Listen(want func(*Record) bool) *Listener {
	l := &Listener{store: s, want: want, c: make(chan Record, listenerQueue), lost: make(chan struct{}, 1)}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listeners[l] = struct{}{}
	return l
}

// Records is where they come.
func (l *Listener) Records() <-chan Record { return l.c }

// Behind tells that records were left out because the listener was too slow.
func (l *Listener) Behind() <-chan struct{} { return l.lost }

// Done is closed when the store is.
func (l *Listener) Done() <-chan struct{} { return l.store.done }

// Close ends it.
func (l *Listener) Close() {
	l.store.mu.Lock()
	defer l.store.mu.Unlock()
	delete(l.store.listeners, l)
}

func (s *Store) publish(batch []*appending) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.listeners) == 0 {
		return
	}
	for _, a := range batch {
		for i := range a.records {
			for l := range s.listeners {
				l.offer(&a.records[i])
			}
		}
	}
}

func (l *Listener) offer(r *Record) {
	if r.Key == 0 || !l.want(r) {
		return
	}
	select {
	case l.c <- *r:
	default:
		select {
		case l.lost <- struct{}{}:
		default:
		}
	}
}
