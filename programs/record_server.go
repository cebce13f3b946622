package programs

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"time"

	programv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/program/v1"
)

type seriesServer struct {
	programv1.UnimplementedSeriesServiceServer
	*Module
}

type programServer struct {
	programv1.UnimplementedProgramServiceServer
	*Module
}

var (
	_ programv1.SeriesServiceServer  = (*seriesServer)(nil)
	_ programv1.ProgramServiceServer = (*programServer)(nil)
)

func (m *Module) record(ctx context.Context, kind Kind, id string) (*recordRow, error) {
	var row recordRow
	found := m.store.Read.WithContext(ctx).Where("id = ? AND kind = ? AND known = ?", id, kind, true).Limit(1).Find(&row)
	if found.Error != nil {
		return nil, found.Error
	}
	if found.RowsAffected == 0 {
		return nil, notFound("id")
	}
	return &row, nil
}

// listRequest is what both lists ask for.
type listRequest interface {
	GetGroupId() string
	GetRecordId() string
	GetTitle() string
	GetText() string
	GetCategory() string
	GetDefinition() string
	GetOnline() string
	GetFields() []string
	GetPageSize() int32
	GetPageToken() string
}

// list finds records, by falling id.
func (m *Module) list(ctx context.Context, kind Kind, request listRequest) ([]recordRow, string, error) {
	q := query{
		kind: kind, group: request.GetGroupId(), recordID: request.GetRecordId(), category: request.GetCategory(),
		definition: request.GetDefinition(), online: request.GetOnline(),
	}
	if title := request.GetTitle(); title != "" {
		q.title = foldText(title)
	}
	if text := request.GetText(); text != "" {
		q.texts = append(q.texts, part{word: foldText(text), whole: foldText(text)})
	}
	for _, condition := range request.GetFields() {
		if err := q.condition(condition); err != nil {
			return nil, "", err
		}
	}
	if token := request.GetPageToken(); token != "" {
		parts, err := readToken(token, 1)
		if err != nil {
			return nil, "", err
		}
		q.before = parts[0]
	}
	if err := m.index.catchUp(ctx); err != nil {
		return nil, "", err
	}
	size := pageSize(request.GetPageSize())
	ids := m.index.find(q, size+1)
	next := ""
	if len(ids) > size {
		ids = ids[:size]
		next = pageToken(ids[size-1])
	}
	if len(ids) == 0 {
		return nil, "", nil
	}
	var rows []recordRow
	if err := m.store.Read.WithContext(ctx).Where("id IN ?", ids).Order("id DESC").Find(&rows).Error; err != nil {
		return nil, "", err
	}
	return rows, next, nil
}

// GetSeries implements SeriesService.
func (s *seriesServer) GetSeries(ctx context.Context, request *programv1.GetSeriesRequest) (*programv1.GetSeriesResponse, error) {
	row, err := s.record(ctx, KindSeries, request.GetId())
	if err != nil {
		return nil, err
	}
	return &programv1.GetSeriesResponse{Series: toProtoRecord(row)}, nil
}

// ListSeries implements SeriesService.
func (s *seriesServer) ListSeries(ctx context.Context, request *programv1.ListSeriesRequest) (*programv1.ListSeriesResponse, error) {
	rows, next, err := s.list(ctx, KindSeries, request)
	return &programv1.ListSeriesResponse{Series: toProtoRecords(rows), NextPageToken: next}, err
}

// ListSeriesPrograms implements SeriesService.
func (s *seriesServer) ListSeriesPrograms(ctx context.Context, request *programv1.ListSeriesProgramsRequest) (*programv1.ListSeriesProgramsResponse, error) {
	if _, err := s.record(ctx, KindSeries, request.GetId()); err != nil {
		return nil, err
	}
	var relations []relationRow
	if err := s.store.Read.WithContext(ctx).Where("series_key = ?", request.GetId()).Order("seq, program").Find(&relations).Error; err != nil {
		return nil, err
	}
	known := newState(s.opts.Now())
	keys := map[string]bool{}
	for _, r := range relations {
		keys[r.ProgramKey] = true
	}
	if err := known.loadRecords(s.store.Read.WithContext(ctx), keys); err != nil {
		return nil, err
	}
	response := &programv1.ListSeriesProgramsResponse{}
	for _, r := range relations {
		item := &programv1.SeriesProgram{ProgramId: r.Program, Relation: r.Data}
		if program := known.records[r.ProgramKey]; program != nil && program.Known {
			item.Program = toProtoRecord(program)
		}
		response.Programs = append(response.Programs, item)
	}
	return response, nil
}

// ListSeriesVersions implements SeriesService.
func (s *seriesServer) ListSeriesVersions(ctx context.Context, request *programv1.ListSeriesVersionsRequest) (*programv1.ListSeriesVersionsResponse, error) {
	versions, next, err := s.versions(ctx, KindSeries, request.GetId(), request.GetPageSize(), request.GetPageToken())
	return &programv1.ListSeriesVersionsResponse{Versions: versions, NextPageToken: next}, err
}

// GetProgram implements ProgramService.
func (s *programServer) GetProgram(ctx context.Context, request *programv1.GetProgramRequest) (*programv1.GetProgramResponse, error) {
	row, err := s.record(ctx, KindProgram, request.GetId())
	if err != nil {
		return nil, err
	}
	record := toProtoRecord(row)
	return &programv1.GetProgramResponse{Program: record}, s.withWatch(ctx, record)
}

// ListPrograms implements ProgramService.
func (s *programServer) ListPrograms(ctx context.Context, request *programv1.ListProgramsRequest) (*programv1.ListProgramsResponse, error) {
	rows, next, err := s.list(ctx, KindProgram, request)
	if err != nil {
		return nil, err
	}
	records := toProtoRecords(rows)
	return &programv1.ListProgramsResponse{Programs: records, NextPageToken: next}, s.withWatch(ctx, records...)
}

// ListProgramVersions implements ProgramService.
func (s *programServer) ListProgramVersions(ctx context.Context, request *programv1.ListProgramVersionsRequest) (*programv1.ListProgramVersionsResponse, error) {
	versions, next, err := s.versions(ctx, KindProgram, request.GetId(), request.GetPageSize(), request.GetPageToken())
	return &programv1.ListProgramVersionsResponse{Versions: versions, NextPageToken: next}, err
}

// versions reads a page of a record's history, each with what it changed.
func (m *Module) versions(ctx context.Context, kind Kind, id string, size int32, token string) ([]*programv1.RecordVersion, string, error) {
	record, err := m.record(ctx, kind, id)
	if err != nil {
		return nil, "", err
	}
	from := record.LastChange
	if token != "" {
		parts, err := readToken(token, 1)
		if err != nil {
			return nil, "", err
		}
		if from, err = strconv.ParseInt(parts[0], 10, 64); err != nil {
			return nil, "", notFound("page_token")
		}
	}
	n := pageSize(size)
	var rows []changeRow
	err = m.store.Read.WithContext(ctx).Raw(`WITH RECURSIVE chain (n, at, before) AS (
			SELECT 1, position, previous FROM programs_changes WHERE position = @from AND record_key = @id
			UNION ALL SELECT chain.n + 1, c.position, c.previous FROM chain JOIN programs_changes c ON c.position = chain.before WHERE chain.n <= @rows)
		SELECT c.* FROM chain JOIN programs_changes c ON c.position = chain.at ORDER BY chain.n`,
		sql.Named("from", from), sql.Named("id", id), sql.Named("rows", n)).Scan(&rows).Error
	if err != nil {
		return nil, "", err
	}
	var out []*programv1.RecordVersion
	for i := range min(len(rows), n) {
		var previous changeRow
		if i+1 < len(rows) {
			previous = rows[i+1]
		}
		out = append(out, toProtoVersion(&rows[i], &previous))
	}
	if len(rows) <= n {
		return out, "", nil
	}
	return out, pageToken(strconv.FormatInt(rows[n].Position, 10)), nil
}

func toProtoVersion(r, previous *changeRow) *programv1.RecordVersion {
	v := &programv1.RecordVersion{
		Version: r.Version, At: timestamp(&r.At), Cause: r.Cause, MessageId: r.MsgID, Online: r.Online, Locked: r.Locked, Deleted: r.Deleted, Status: r.Status,
	}
	before, after := members(previous.Metadata), members(r.Metadata)
	names := maps.Clone(before)
	maps.Copy(names, after)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if !bytes.Equal(before[name], after[name]) {
			v.Changes = append(v.Changes, &programv1.FieldChange{Field: name, Before: string(before[name]), After: string(after[name])})
		}
	}
	return v
}

func members(metadata string) map[string]json.RawMessage {
	out := map[string]json.RawMessage{}
	_ = json.Unmarshal([]byte(metadata), &out) // we wrote it; empty: there was none
	return out
}

// GetProgramPlayLink implements ProgramService.
func (s *programServer) GetProgramPlayLink(ctx context.Context, request *programv1.GetProgramPlayLinkRequest) (*programv1.GetProgramPlayLinkResponse, error) {
	row, err := s.record(ctx, KindProgram, request.GetId())
	if err != nil {
		return nil, err
	}
	if !row.Online {
		return nil, wrongState("id", "the program is not online")
	}
	video := request.GetVideoId()
	play, ok := findPlay(row.Metadata, video)
	if !ok {
		return nil, notFound("video_id")
	}
	valid := time.Duration(request.GetValidSeconds()) * time.Second
	if valid == 0 {
		valid = 5 * time.Minute
	}
	expires := s.opts.Now().Add(valid).Truncate(time.Second)
	return &programv1.GetProgramPlayLinkResponse{Link: s.playLink(row.ID, play.VideoID, expires), ExpiresAt: timestamp(&expires)}, nil
}

// ProbeProgram implements ProgramService.
func (s *programServer) ProbeProgram(ctx context.Context, request *programv1.ProbeProgramRequest) (*programv1.ProbeProgramResponse, error) {
	row, err := s.record(ctx, KindProgram, request.GetId())
	if err != nil {
		return nil, err
	}
	response := &programv1.ProbeProgramResponse{}
	for _, play := range playInfos(row.Metadata) {
		response.Probes = append(response.Probes, s.prober().probe(ctx, play))
	}
	return response, nil
}
