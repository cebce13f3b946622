package memcloud

import (
	"context"
	"slices"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/structpb"
)

// infoMethod tells a driver at the other end of a connection what kind of cloud
// this is. It is no rpc of the contract: its messages are well-known types.
const (
	infoService = "memcloud.v1.Info"
	infoMethod  = "/" + infoService + "/Get"
)

// Info is what a driver must know of a cloud.
type Info struct {
	Region         string
	Now            time.Time
	ClientTokens   bool
	RequestTimeout time.Duration // how long a request whose caller is gone may still run; 0 with client tokens
	MarkerDelay    time.Duration // how long a new resource is not found by its tag
	AbsentFeatures []string
}

// Info tells a project what kind of cloud this is, by its present knobs. Tenants cannot
// make tenants.
func (c *Cloud) Info(project string) Info {
	k := c.knobs.Load()
	i := Info{Region: c.region, Now: c.Now(), ClientTokens: k.ClientTokens, MarkerDelay: k.markerDelay(), AbsentFeatures: k.AbsentFeatures}
	if !k.ClientTokens {
		seconds := k.RequestTimeoutSeconds
		if seconds == 0 {
			seconds = defaultRequestTimeoutSeconds
		}
		i.RequestTimeout = time.Duration(seconds) * time.Second
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	if (&view{cloud: c}).tenantOf(project) != nil {
		i.AbsentFeatures = slices.Concat(i.AbsentFeatures, TenantFeatures())
	}
	return i
}

// TenantFeatures are those of an account that may make tenants.
func TenantFeatures() []string {
	return []string{"account.cloud_tenant.disable", "account.cloud_tenant.provision", "account.cloud_tenant.quotas"}
}

// AskInfo reads the Info of the cloud behind a connection.
func AskInfo(ctx context.Context, conn grpc.ClientConnInterface) (Info, error) {
	var answer structpb.Struct
	if err := conn.Invoke(ctx, infoMethod, &emptypb.Empty{}, &answer); err != nil {
		return Info{}, err
	}
	f := answer.GetFields()
	now, err := time.Parse(time.RFC3339Nano, f["now"].GetStringValue())
	if err != nil {
		return Info{}, err
	}
	i := Info{
		Region:         f["region"].GetStringValue(),
		Now:            now,
		ClientTokens:   f["client_tokens"].GetBoolValue(),
		RequestTimeout: time.Duration(f["request_timeout_ms"].GetNumberValue()) * time.Millisecond,
		MarkerDelay:    time.Duration(f["marker_delay_ms"].GetNumberValue()) * time.Millisecond,
	}
	for _, v := range f["absent_features"].GetListValue().GetValues() {
		i.AbsentFeatures = append(i.AbsentFeatures, v.GetStringValue())
	}
	return i, nil
}

func (i Info) toStruct() *structpb.Struct {
	absent := &structpb.ListValue{}
	for _, name := range i.AbsentFeatures {
		absent.Values = append(absent.Values, structpb.NewStringValue(name))
	}
	return &structpb.Struct{Fields: map[string]*structpb.Value{
		"region":             structpb.NewStringValue(i.Region),
		"now":                structpb.NewStringValue(i.Now.Format(time.RFC3339Nano)),
		"client_tokens":      structpb.NewBoolValue(i.ClientTokens),
		"request_timeout_ms": structpb.NewNumberValue(float64(i.RequestTimeout.Milliseconds())),
		"marker_delay_ms":    structpb.NewNumberValue(float64(i.MarkerDelay.Milliseconds())),
		"absent_features":    structpb.NewListValue(absent),
	}}
}

func (c *Cloud) infoDesc() *grpc.ServiceDesc {
	get := func(_ any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
		if err := decode(&emptypb.Empty{}); err != nil {
			return nil, err
		}
		project := incoming(ctx, ProjectKey)
		if err := c.Authenticate(project, incoming(ctx, PasswordKey)); err != nil {
			return nil, err
		}
		return proto.Message(c.Info(project).toStruct()), nil
	}
	return &grpc.ServiceDesc{
		ServiceName: infoService,
		HandlerType: (*any)(nil),
		Methods:     []grpc.MethodDesc{{MethodName: "Get", Handler: get}},
	}
}
