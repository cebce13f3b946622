package operation

import "context"

// cancel asks for the steps to be taken back and returns when that is recorded,
// or when the operation has ended before.
func (t *task) cancel(ctx context.Context) error {
	t.undoAsked.give()
	select {
	case <-t.undoSeen.C:
		return nil
	case <-t.done.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
