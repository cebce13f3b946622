package openapi

import (
	"fmt"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/yunqiao/yunqiao/plugin-proto/contract"
)

// Samples makes the messages that the document shows, for tests that call every
// rpc.
type Samples struct {
	sampler *sampler
	files   []protoreflect.FileDescriptor
}

// NewSamples reads an image as ParseImage gave it.
func NewSamples(files []protoreflect.FileDescriptor) (*Samples, error) {
	c, err := contract.New(files...)
	if err != nil {
		return nil, fmt.Errorf("read contract: %w", err)
	}
	s, err := newSampler(c)
	return &Samples{s, files}, err
}

// Request is a valid request of an rpc, by full name: "cloud.compute.v1.VmService/CreateVm".
func (s *Samples) Request(rpc string) (proto.Message, error) {
	method := s.sampler.contract.Method(rpc)
	if method == nil {
		return nil, fmt.Errorf("the image has no rpc %s", rpc)
	}
	return s.sampler.request(method)
}

// Message is a valid message of a type of the image, as it stands in requests of an rpc.
func (s *Samples) Message(name protoreflect.FullName, rpc string) (proto.Message, error) {
	d := findMessage(s.files, name)
	if d == nil {
		return nil, fmt.Errorf("the image has no message %s", name)
	}
	return s.sampler.message(d, sampleOptions{method: s.sampler.contract.Method(rpc)}, 1)
}
