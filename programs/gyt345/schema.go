package gyt345

import "sync"

// Type is the number that a message is known by (msgType).
type Type int

// The messages of tables 2, 6, 9, 13, 16 and 19.
const (
	SeriesAdd               Type = 100
	SeriesUpdate            Type = 101
	SeriesDelete            Type = 102
	SeriesOffline           Type = 103
	ProgramAdd              Type = 200
	ProgramUpdate           Type = 201
	ProgramDelete           Type = 202
	ProgramOffline          Type = 203
	EmergencySeriesOffline  Type = 301
	EmergencyProgramOffline Type = 302
)

// Interface is one of the six interfaces.
type Interface string

// The interfaces of clauses 6.4 to 6.9.
const (
	InterfaceSeries                  Interface = "series-inject"             // 6.4
	InterfaceSeriesOffline           Interface = "series-offline"            // 6.5
	InterfaceProgram                 Interface = "program-inject"            // 6.6
	InterfaceProgramOffline          Interface = "program-offline"           // 6.7
	InterfaceEmergencySeriesOffline  Interface = "emergency-series-offline"  // 6.8
	InterfaceEmergencyProgramOffline Interface = "emergency-program-offline" // 6.9
)

// Interface is the one that carries the message; empty: there is no such message.
func (t Type) Interface() Interface {
	switch t {
	case SeriesAdd, SeriesUpdate, SeriesDelete:
		return InterfaceSeries
	case SeriesOffline:
		return InterfaceSeriesOffline
	case ProgramAdd, ProgramUpdate, ProgramDelete:
		return InterfaceProgram
	case ProgramOffline:
		return InterfaceProgramOffline
	case EmergencySeriesOffline:
		return InterfaceEmergencySeriesOffline
	case EmergencyProgramOffline:
		return InterfaceEmergencyProgramOffline
	}
	return ""
}

// form is how a field is read and written.
type form uint8

const (
	formText    form = iota // any text
	formNumeric             // text; an integer is kept as its digits (N17)
	formID                  // trimmed, 1 to 128 characters, no comma (N21)
	formURL                 // http or https, at most 2048 bytes (N26)
	formInteger             // not negative; digits as text (N7, N23)
	formStage               // formInteger that may be empty (N15)
	formList                // array of text (N18)
	formQuality             // SD, HD, 4K, 8K (N16)
	formEnum                // one of values
	formPaid                // 0 or 1 (N25)
	formKind                // one of values, others are noted (N14)
	formObjects             // array of another table
	formObject              // one object of another table
	formIDText              // ids separated by commas (N3)
	formIDArray             // array of ids (N5)
)

// field is one row of a table.
type field struct {
	name     string
	form     form
	required bool
	label    string   // what the standard prints
	aliases  []string // other names that are read
	values   []string
	table    func() *table
	note     string // of the aliases
}

// table is a table of members. It is not changed after it was made.
type table struct {
	id     string // the field that names the thing
	fields []field
}

var seriesTable = sync.OnceValue(func() *table {
	return &table{id: "seriesId", fields: []field{
		{name: "seriesId", form: formID, required: true, label: "节目集唯一 ID"},
		{name: "title", required: true, label: "标题"},
		{name: "subTitle", label: "子标题"},
		{name: "enTitle", label: "英文标题"},
		{name: "vImageUrl", form: formURL, required: true, label: "竖海报 URL"},
		{name: "hImageUrl", form: formURL, label: "横海报 URL"},
		{name: "category", required: true, label: "分类"},
		{name: "subCategorys", form: formList, label: "子分类"},
		{name: "tags", form: formList, label: "标签"},
		{name: "keywords", form: formList, label: "剧情关键字"},
		{name: "year", form: formNumeric, required: true, label: "年代"},
		{name: "genres", form: formList, label: "题材、类型"},
		{name: "areas", form: formList, label: "地区"},
		{name: "languages", form: formList, label: "语言"},
		{name: "releaseDate", label: "发行日期"},
		{name: "runtime", form: formInteger, label: "节目时长，单位为秒"},
		{name: "definition", form: formQuality, required: true, label: "清晰度"},
		{name: "score", form: formNumeric, label: "评分"},
		{name: "summary", label: "简介"},
		{name: "description", label: "详情"},
		{name: "directors", form: formList, label: "导演"},
		{name: "stars", form: formList, label: "主演"},
		{name: "writers", form: formList, label: "编剧"},
		{name: "roles", form: formList, label: "角色"},
		{name: "hostess", form: formList, label: "主持人"},
		{name: "guests", form: formList, label: "嘉宾"},
		{name: "seasons", form: formInteger, label: "第几季"},
		{name: "episodeCount", form: formInteger, label: "总集数，剧集类必填，电影类非必填"},
		{name: "episodeLast", form: formInteger, label: "更新到第几集"},
		{name: "completed", form: formEnum, required: true, label: "是否完结", values: []string{"false", "true"}},
		{name: "license_num", label: "发行许可", aliases: []string{"licenseNum"}, note: "N9"},
		{name: "paid", form: formPaid, label: "是否付费"},
		{name: "status", form: formEnum, required: true, label: "状态", values: []string{"online", "offline"}},
		{name: "seriesPrograms", form: formObjects, label: "节目集相关节目", aliases: []string{"seriesShows"}, note: "N1", table: relationTable},
	}}
})

var relationTable = sync.OnceValue(func() *table {
	return &table{id: "programId", fields: []field{
		{name: "programId", form: formID, required: true, label: "相关节目 ID"},
		{name: "seriesId", form: formID, required: true, label: "节目集 ID"},
		{name: "title", required: true, label: "节目标题"},
		{name: "programType", form: formKind, required: true, label: "节目类型", values: []string{"正片", "预告片", "花絮"}},
		{name: "seq", form: formInteger, required: true, label: "顺序号"},
		{name: "stage", form: formStage, label: "集数或期数，日期型使用 YYYYMMDD，非正片为空"},
		{name: "paid", form: formPaid, label: "是否付费"},
		{name: "status", form: formEnum, required: true, label: "状态", values: []string{"online", "offline"}},
	}}
})

var programTable = sync.OnceValue(func() *table {
	return &table{id: "programId", fields: []field{
		{name: "programId", form: formID, required: true, label: "节目唯一 ID"},
		{name: "title", required: true, label: "标题"},
		{name: "subTitle", label: "子标题"},
		{name: "thumbnail", form: formURL, label: "视频截图 URL（小）"},
		{name: "bigThumbnail", form: formURL, label: "视频截图 URL（大）"},
		{name: "duration", form: formInteger, label: "节目时长，单位为秒"},
		{name: "category", required: true, label: "分类"},
		{name: "tags", form: formList, label: "标签"},
		{name: "keywords", form: formList, label: "关键字"},
		{name: "areas", form: formList, label: "地区"},
		{name: "languages", form: formList, label: "语言"},
		{name: "definition", form: formQuality, required: true, label: "清晰度"},
		{name: "summary", label: "简介"},
		{name: "description", label: "详情"},
		{name: "seriesId", form: formID, label: "所属节目集 ID"},
		{name: "paid", form: formPaid, label: "是否付费"},
		{name: "status", form: formEnum, required: true, label: "状态", values: []string{"online", "offline"}},
		{name: "playInfos", form: formObjects, required: true, label: "播放信息", table: playTable},
		{name: "seriesPrograms", form: formObject, label: "节目集相关节目元数据，属于节目集时必填", aliases: []string{"seriesShow", "seriesProgram"}, note: "N2", table: relationTable},
	}}
})

var playTable = sync.OnceValue(func() *table {
	return &table{id: "videoId", fields: []field{
		{name: "videoId", required: true, label: "视频 ID"},
		{name: "definition", form: formQuality, required: true, label: "清晰度"},
		{name: "videoBitrate", form: formNumeric, label: "视频码率"},
		{name: "fps", form: formNumeric, label: "帧率，视频必须提供"},
		{name: "width", form: formNumeric, label: "视频宽"},
		{name: "height", form: formNumeric, label: "视频高"},
		{name: "audioBitrate", form: formNumeric, label: "音频码率"},
		{name: "sampleRate", form: formNumeric, label: "音频采样率"},
		{name: "format", label: "格式"},
		{name: "playUrl", form: formURL, required: true, label: "视频播放地址"},
	}}
})

var seriesIDsTable = sync.OnceValue(func() *table {
	return &table{id: "seriesIds", fields: []field{
		{name: "seriesIds", form: formIDText, required: true, label: "下线节目集 ID，多个用半角逗号分隔"},
	}}
})

var programIDsTable = sync.OnceValue(func() *table {
	return &table{id: "programIds", fields: []field{
		{name: "programIds", form: formIDArray, required: true, label: "内容服务平台的节目 ID"},
	}}
})

// table is what msgData of a message holds.
func (t Type) table() *table {
	switch t.Interface() {
	case InterfaceSeries:
		return seriesTable()
	case InterfaceProgram:
		return programTable()
	case InterfaceSeriesOffline, InterfaceEmergencySeriesOffline:
		return seriesIDsTable()
	default:
		return programIDsTable()
	}
}

// onlyID tells that a message needs nothing but the id (N22).
func (t Type) onlyID() bool { return t == SeriesDelete || t == ProgramDelete }
