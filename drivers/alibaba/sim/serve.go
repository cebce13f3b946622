package sim

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/yunqiao/yunqiao/drivers/alibaba/definitions"
)

// ServeHTTP answers the cloud's calls, and /sim/… about the simulator itself.
func (s *Sim) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/sim/") {
		s.serveAdmin(w, r)
		return
	}
	q, err := readRequest(w, r)
	if err != nil {
		q = &request{http: r}
		s.write(w, q, outcome{status: http.StatusBadRequest, body: s.encode(q, failed(q, "", refuse("InvalidParameter", "The request cannot be read: %s.", err)))})
		return
	}
	out := s.serve(q)
	if out.wait > 0 {
		timer := time.NewTimer(out.wait)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.Context().Done():
			panic(http.ErrAbortHandler)
		}
	}
	if out.cut {
		panic(http.ErrAbortHandler)
	}
	s.write(w, q, out)
}

// outcome is an answer to be written.
type outcome struct {
	requestID string
	status    int
	body      []byte
	wait      time.Duration
	cut       bool // close the connection instead
}

func (s *Sim) serve(q *request) (out outcome) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.opts.Now()
	s.w.now = now
	s.w.settle(now)
	region, told := s.regionOf(q)
	c := &call{sim: s, w: s.w, now: now, requestID: s.requestID(), source: q.source, region: region, anywhere: !told, host: q.http.Host, secure: q.http.TLS != nil}
	out = outcome{requestID: c.requestID, status: http.StatusOK}
	answer, err := s.handle(c, q, &out)
	if err == nil {
		answer, err = s.seal(c, answer)
	}
	if err != nil {
		var f *failure
		if !errors.As(err, &f) {
			f = &failure{"InternalError", http.StatusInternalServerError, err.Error()}
		}
		out.status = f.status
		answer = failed(q, c.requestID, f)
	}
	if c.action != nil && err == nil && !c.action.Reads {
		c.record(q)
	}
	out.body = s.encode(q, answer)
	return out
}

// failed is the body of an error.
func failed(q *request, requestID string, f *failure) obj {
	return obj{
		"RequestId": requestID, "HostId": q.http.Host, "Code": f.code, "Message": f.message,
		"Recommend": "https://api.alibabacloud.com/troubleshoot?q=" + f.code,
	}
}

func (s *Sim) handle(c *call, q *request, out *outcome) (obj, error) {
	action, f := s.find(q)
	if f != nil {
		return nil, f
	}
	who, f := s.authenticate(q, c.now)
	if f != nil {
		return nil, f
	}
	c.action, c.who = action, who
	s.w.counts[c.name()]++
	if s.opts.RequireTLS && action.HTTPSOnly && q.http.TLS == nil {
		return nil, c.fail("InvalidProtocol.NeedSsl", "Your request is denied as lack of ssl protect.")
	}
	if s.w.throttled(&s.faults, who.account.uid, c.name(), c.now) {
		return nil, c.fail("Throttling.User", "Request was denied due to user flow control.")
	}
	rule := s.faults.hit(c.name())
	if rule != nil {
		out.wait = time.Duration(rule.WaitMS) * time.Millisecond
		switch rule.Effect {
		case EffectError:
			status := rule.Status
			if status == 0 {
				status, _ = statusOf(action, rule.Code)
			}
			return nil, &failure{rule.Code, status, "This error was asked for."}
		case EffectDrop:
			out.cut = true
			return obj{}, nil
		case EffectLose:
			out.cut = true
		}
	}
	return s.act(c, q)
}

func (s *Sim) act(c *call, q *request) (obj, error) {
	args, problems := c.action.Parse(q.parameters)
	c.args = args
	for _, p := range problems {
		if p.Fault == definitions.Unknown {
			s.note("unknown_parameter", c.name()+" "+p.Parameter)
			if s.opts.Lenient {
				continue
			}
		}
		return nil, c.refused(p)
	}
	if err := c.regionKnown(); err != nil {
		return nil, err
	}
	do := s.handlers[c.action.Product.Name][c.action.Name]
	if do == nil {
		s.note("not_simulated", c.name())
		return nil, c.fail("InvalidAction.NotFound", "The simulator does not have %s.", c.name())
	}
	if err := c.permitted(); err != nil {
		return nil, err
	}
	if c.yes("DryRun") && c.action.Parameter("DryRun") != nil {
		return nil, c.fail("DryRunOperation", "Request validation has been passed with DryRun flag set.")
	}
	key, sum := c.tokenKey(), fingerprint(q.parameters)
	if answer, err := c.repeated(key, sum); answer != nil || err != nil {
		return answer, err
	}
	answer, err := s.protected(do, c)
	if err != nil {
		return nil, err
	}
	c.remember(key, sum, answer)
	return answer, nil
}

// protected turns a panic of a handler into an error of the cloud.
func (s *Sim) protected(do handler, c *call) (answer obj, err error) {
	defer func() {
		if p := recover(); p != nil {
			s.note("panic", c.name())
			s.opts.Log.Error("panic in an action", slog.String("action", c.name()),
				slog.Any("panic", p), slog.String("stack", string(debug.Stack())))
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return do(c)
}

// seal completes an answer and holds it against its schema.
func (s *Sim) seal(c *call, answer obj) (obj, error) {
	schema := c.action.Response
	if schema.Properties["RequestId"] != nil {
		answer["RequestId"] = c.requestID
	}
	success(schema, answer)
	answer, _ = complete(schema, answer).(obj)
	if wrong := schema.Check(answer); len(wrong) > 0 {
		s.note("bad_answer", c.name()+" "+wrong[0])
		s.opts.Log.Error("answer contradicts its schema", slog.String("action", c.name()), slog.Any("wrong", wrong))
		return nil, fmt.Errorf("answer contradicts its schema: %s", strings.Join(wrong, "; "))
	}
	return answer, nil
}

// find is the action that a request names, by its version: no two products share one.
func (s *Sim) find(q *request) (*definitions.Action, *failure) {
	if q.action == "" {
		return nil, missing("Action")
	}
	if q.version == "" {
		return nil, missing("Version")
	}
	product := s.defs.ByVersion(q.version)
	if product == nil {
		return nil, refuse("InvalidVersion", "Specified parameter Version is not valid.")
	}
	action := product.Actions[q.action]
	if action == nil || !methodAllowed(q.http.Method) {
		return nil, refuse("InvalidAction.NotFound", "Specified api is not found, please check your url and method.")
	}
	return action, nil
}

func (s *Sim) requestID() string {
	h := strings.ToUpper(fmt.Sprintf("%016x%016x", s.w.rnd.Uint64(), s.w.rnd.Uint64()))
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

func (s *Sim) encode(q *request, answer obj) []byte {
	if q.xml {
		return encodeXML(q.action, answer)
	}
	encoded, err := json.Marshal(answer)
	if err != nil {
		return []byte(`{"Code":"InternalError"}`)
	}
	return encoded
}

func (s *Sim) write(w http.ResponseWriter, q *request, out outcome) {
	form := "application/json;charset=utf-8"
	if q.xml {
		form = "text/xml;charset=utf-8"
	}
	w.Header().Set("Content-Type", form)
	w.Header().Set("x-acs-request-id", out.requestID)
	w.WriteHeader(out.status)
	_, _ = w.Write(out.body)
}
