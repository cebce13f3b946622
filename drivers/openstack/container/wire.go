package container

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/yunqiao/yunqiao/drivers/openstack/rest"
	"github.com/yunqiao/yunqiao/drivers/openstack/session"
)

const typeContainer = "compute.container"

// container is Zun's container as the driver reads it.
type container struct {
	UUID           string               `json:"uuid"`
	Name           string               `json:"name"`
	Image          string               `json:"image"`
	Status         string               `json:"status"`
	StatusDetail   string               `json:"status_detail"`
	StatusReason   string               `json:"status_reason"`
	TaskState      string               `json:"task_state"`
	CPU            float64              `json:"cpu"`
	Memory         size                 `json:"memory"`
	Command        words                `json:"command"`
	Entrypoint     words                `json:"entrypoint"`
	Environment    map[string]string    `json:"environment"`
	Labels         map[string]string    `json:"labels"`
	Addresses      map[string][]address `json:"addresses"` // by network
	SecurityGroups []string             `json:"security_groups"`
	RestartPolicy  restartPolicy        `json:"restart_policy"`
	Ports          []int32              `json:"ports"`
	CreatedAt      rest.Timestamp       `json:"created_at"`
	UpdatedAt      rest.Timestamp       `json:"updated_at"`
	StartedAt      rest.Timestamp       `json:"started_at"`
}

type address struct {
	SubnetID string `json:"subnet_id"`
	Address  string `json:"addr"`
	Port     string `json:"port"`
}

type restartPolicy struct {
	Name string `json:"Name"`
}

// size is a number of MiB: "500M" and "500" in old and new versions, or a number.
type size int32

// UnmarshalJSON implements json.Unmarshaler.
func (s *size) UnmarshalJSON(raw []byte) error {
	*s = size(mebibytes(string(raw)))
	return nil
}

// words is a command: a list, or in old versions one string.
type words []string

// UnmarshalJSON implements json.Unmarshaler.
func (w *words) UnmarshalJSON(raw []byte) error {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		*w = nil
		if one != "" {
			*w = words{one}
		}
		return nil
	}
	return json.Unmarshal(raw, (*[]string)(w))
}

func read(ctx context.Context, s *session.Session, id string) (*container, error) {
	if err := session.UUID(typeContainer, id); err != nil {
		return nil, err
	}
	v := &container{}
	_, err := s.Container.Get(ctx, s.Container.ServiceURL("containers", id), v, nil)
	return v, session.Error(err, typeContainer, id)
}

// readPage reads one page of containers; more tells that another follows. The error is
// the cloud's own.
func readPage(ctx context.Context, s *session.Session, limit int, marker string) (list []container, more bool, err error) {
	query := url.Values{"limit": {strconv.Itoa(limit)}, "sort_key": {"id"}}
	if marker != "" {
		query.Set("marker", marker)
	}
	var body struct {
		Containers []container `json:"containers"`
		Next       string      `json:"next"`
	}
	_, err = s.Container.Get(ctx, s.Container.ServiceURL("containers")+"?"+query.Encode(), &body, nil)
	return body.Containers, body.Next != "", err
}

// wholePage is asked for where all is read.
const wholePage = 1000

func readAll(ctx context.Context, s *session.Session) ([]container, error) {
	var all []container
	for marker := ""; ; {
		list, more, err := readPage(ctx, s, wholePage, marker)
		if err != nil {
			return nil, session.Error(err, typeContainer, "")
		}
		all = append(all, list...)
		if !more || len(list) == 0 {
			return all, nil
		}
		marker = list[len(list)-1].UUID
	}
}

// act sends one action. The error is the cloud's own.
func act(ctx context.Context, s *session.Session, id, action string, query url.Values) error {
	target := s.Container.ServiceURL("containers", id, action)
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	_, err := s.Container.Post(ctx, target, nil, nil, &gophercloud.RequestOpts{OkCodes: []int{http.StatusOK, http.StatusAccepted}})
	return err
}

// readLog reads what a container wrote: text, which some releases send as JSON string.
func readLog(ctx context.Context, s *session.Session, id string, lines int32) (string, error) {
	query := url.Values{"stdout": {"true"}, "stderr": {"true"}, "tail": {strconv.Itoa(int(lines))}}
	resp, err := s.Container.Request(ctx, http.MethodGet, s.Container.ServiceURL("containers", id, "logs")+"?"+query.Encode(),
		&gophercloud.RequestOpts{KeepResponseBody: true, OkCodes: []int{http.StatusOK}})
	if err != nil {
		return "", err
	}
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxLog))
	if closing := resp.Body.Close(); err == nil {
		err = closing
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text, err
	}
	return string(raw), err
}

// maxLog bounds what is read of a log, in bytes.
const maxLog = 1 << 20
