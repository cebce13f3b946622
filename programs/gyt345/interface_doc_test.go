package gyt345

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite docs/programs-interface*.md")

// tongue is what the reference says in one language.
type tongue struct {
	file                             string
	head                             string
	query, members, fields           string
	columns                          string
	yes, no                          string
	sample, answer, refused, callers string
	names                            map[Interface]string
	messages                         map[Type]string
	types                            map[form]string
	oneOf                            string
	meaning                          func(label string) string
	envelope                         [][4]string
}

// TestInterfaceReference holds docs/programs-interface*.md, which clause 6.3.4 asks for,
// against the tables of the reader and the requests of the vectors, which are all sent
// by TestVectors.
func TestInterfaceReference(t *testing.T) {
	var vectors struct {
		Requests []struct{ Note, Path, Query, BodyBase64 string }
	}
	raw, err := os.ReadFile("testdata/requests.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &vectors); err != nil {
		t.Fatal(err)
	}
	samples := map[Type]string{}
	for _, r := range vectors.Requests {
		body, err := base64.StdEncoding.DecodeString(r.BodyBase64)
		if err != nil {
			t.Fatal(err)
		}
		var message struct {
			MsgType Type `json:"msgType"`
		}
		if json.Unmarshal(body, &message) != nil || samples[message.MsgType] != "" || strings.HasPrefix(r.Note, "reject") {
			continue
		}
		samples[message.MsgType] = fmt.Sprintf("POST %s?%s\nContent-Type: application/json\n\n%s", r.Path, r.Query, body)
	}
	for _, in := range []tongue{chinese, english} {
		want := in.reference(t, samples)
		path := "../../docs/" + in.file
		if *update {
			if err := os.WriteFile(path, want, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not what the tables say (%v); run go test ./programs/gyt345 -run InterfaceReference -update", path, err)
		}
	}
}

func (in *tongue) reference(t *testing.T, samples map[Type]string) []byte {
	t.Helper()
	out := bytes.NewBufferString(in.head)
	section := func(title string, rows func()) {
		fmt.Fprintf(out, "\n### %s\n\n%s", title, in.columns)
		rows()
	}
	row := func(cells ...string) { fmt.Fprintf(out, "| %s |\n", strings.Join(cells, " | ")) }
	for i, e := range in.envelope {
		if i == 4 {
			section(in.members, func() {})
		} else if i == 0 {
			section(in.query, func() {})
		}
		row("`"+e[0]+"`", e[1], e[2], e[3])
	}
	for _, message := range []Type{SeriesAdd, SeriesOffline, ProgramAdd, ProgramOffline, EmergencySeriesOffline, EmergencyProgramOffline} {
		on := message.Interface()
		fmt.Fprintf(out, "\n## %s\n\n", in.names[on])
		for kind := SeriesAdd; kind <= EmergencyProgramOffline; kind++ {
			if kind.Interface() != on {
				continue
			}
			fmt.Fprintf(out, "- `msgType` %d: %s\n", kind, in.messages[kind])
		}
		done := map[string]bool{}
		var tables func(name string, t *table)
		tables = func(name string, table *table) {
			if done[name] {
				return
			}
			done[name] = true
			section(strings.Replace(in.fields, "%", "`"+name+"`", 1), func() {
				for _, f := range table.fields {
					required := in.no
					if f.required {
						required = in.yes
					}
					kind := in.types[f.form]
					if len(f.values) > 0 {
						kind += in.oneOf + "`" + strings.Join(f.values, "`, `") + "`"
					}
					label := in.meaning(f.label)
					if label == "" {
						t.Errorf("%s: no meaning of %q", in.file, f.label)
					}
					row("`"+f.name+"`", kind, required, label)
				}
			})
			for _, f := range table.fields {
				if f.table != nil {
					tables(name+"."+f.name, f.table())
				}
			}
		}
		tables("msgData", message.table())
		for kind := message; kind.Interface() == on; kind++ {
			if samples[kind] == "" {
				t.Errorf("no sample of %d", kind)
			}
			fmt.Fprintf(out, "\n%s %d:\n\n```\n%s\n```\n", in.sample, kind, samples[kind])
		}
		fmt.Fprintf(out, "\n%s\n\n```\n200 %s\n```\n\n%s\n\n```\n400 %s\n```\n\n%s\n", in.answer, OK().Body(), in.refused, Missing("msgData").Answer().Body(), in.callers)
	}
	return out.Bytes()
}

var chinese = tongue{
	file: "programs-interface.md",
	head: `# GY/T 345-2021 接口参考

合作方（内容服务平台）接口的地址、方法、参数、返回值和示例（标准 6.3.4）。签名算法、错误码与业务规则见[节目集成](programs.md)。[English](programs-interface.en.md)

本文由 ` + "`go test ./programs/gyt345 -run InterfaceReference -update`" + ` 从程序中的字段表生成；示例是测试向量（密钥见 ` + "`programs/gyt345/testdata/keys.json`" + `，groupId 为 10010001），签名均可验证。同一接口的各消息字段相同；删除（102、202）只需要标识。

| 接口 | 提供方 | 方法和地址 |
|---|---|---|
| 6.4 节目集元数据注入 | 集成平台 | ` + "`POST /gyt345/v1/series`" + ` |
| 6.5 节目集下线 | 集成平台 | ` + "`POST /gyt345/v1/series/offline`" + ` |
| 6.6 节目元数据注入 | 集成平台 | ` + "`POST /gyt345/v1/program`" + ` |
| 6.7 节目下线 | 集成平台 | ` + "`POST /gyt345/v1/program/offline`" + ` |
| 6.8 节目集紧急下线 | 内容服务平台 | ` + "`POST`" + `，地址由合作方登记（` + "`series_offline_url`" + `） |
| 6.9 节目紧急下线 | 内容服务平台 | ` + "`POST`" + `，地址由合作方登记（` + "`program_offline_url`" + `） |

请求体不超过 1 MiB，` + "`Content-Type: application/json`" + `，不压缩。

## 公共参数
`,
	query: "查询参数（表 1）", members: "请求体", fields: "% 的字段",
	columns: "| 名称 | 类型 | 必填 | 说明 |\n|---|---|---|---|\n",
	yes:     "是", no: "否", oneOf: "：",
	sample: "请求示例", answer: "成功返回：", refused: "参数缺失时返回（其他错误码见[节目集成](programs.md)）：",
	callers: "没有其他回调：HTTP 应答即处理结果的通知。",
	names: map[Interface]string{
		InterfaceSeries: "6.4 节目集元数据注入", InterfaceSeriesOffline: "6.5 节目集下线", InterfaceProgram: "6.6 节目元数据注入",
		InterfaceProgramOffline: "6.7 节目下线", InterfaceEmergencySeriesOffline: "6.8 节目集紧急下线", InterfaceEmergencyProgramOffline: "6.9 节目紧急下线",
	},
	messages: map[Type]string{
		SeriesAdd: "新增节目集", SeriesUpdate: "更新节目集", SeriesDelete: "删除节目集", SeriesOffline: "下线节目集",
		ProgramAdd: "新增节目", ProgramUpdate: "更新节目", ProgramDelete: "删除节目", ProgramOffline: "下线节目",
		EmergencySeriesOffline: "紧急下线节目集", EmergencyProgramOffline: "紧急下线节目",
	},
	types: map[form]string{
		formText: "文本", formNumeric: "文本（数字）", formID: "标识：1 至 128 个字符，不含逗号（半角、全角）和控制字符", formURL: "http 或 https 地址，不超过 2048 字节",
		formInteger: "不小于 0 的整数", formStage: "不小于 0 的整数，可为空", formList: "文本数组", formQuality: "`SD`、`HD`、`4K` 或 `8K`",
		formEnum: "文本", formPaid: "`0` 或 `1`", formKind: "文本", formObjects: "对象数组", formObject: "对象",
		formIDText: "文本：以半角逗号分隔的标识", formIDArray: "标识数组",
	},
	meaning: func(label string) string { return label },
	envelope: [][4]string{
		{"groupId", "文本：`[A-Za-z0-9._-]{1,64}`", "是", "行业监管机构分配给内容服务平台的标识"},
		{"nonce", "文本：`[A-Za-z0-9_-]{8,64}`", "是", "随机数，只能使用一次"},
		{"ts", "整数", "是", "时间戳，毫秒；与接收方时钟相差不超过 300 秒"},
		{"sign", "文本", "是", "请求签名"},
		{"msgId", "文本，不超过 128 个字符", "是", "消息标识；重试时不变"},
		{"msgType", "整数", "是", "消息类型"},
		{"msgTime", "整数", "是", "消息时间，毫秒；同一标识的较早消息不再生效"},
		{"msgSign", "文本", "是", "消息体签名与 MAC"},
		{"msgData", "对象", "是", "消息数据"},
	},
}

var english = tongue{
	file: "programs-interface.en.md",
	head: `# GY/T 345-2021: reference of the interfaces

Address, method, parameters, answers and samples of the interfaces for partners (content service platforms), as clause 6.3.4 asks. Signing, error codes and rules are in [Programmes](programs.en.md). [中文](programs-interface.md)

Made by ` + "`go test ./programs/gyt345 -run InterfaceReference -update`" + ` from the program's tables of fields; the samples are test vectors (keys in ` + "`programs/gyt345/testdata/keys.json`" + `, groupId 10010001), and their signatures hold. All messages of one interface have the same fields; deletes (102, 202) need the id only.

| Interface | Served by | Method and address |
|---|---|---|
| 6.4 series injection | integration platform | ` + "`POST /gyt345/v1/series`" + ` |
| 6.5 series offline | integration platform | ` + "`POST /gyt345/v1/series/offline`" + ` |
| 6.6 program injection | integration platform | ` + "`POST /gyt345/v1/program`" + ` |
| 6.7 program offline | integration platform | ` + "`POST /gyt345/v1/program/offline`" + ` |
| 6.8 series emergency offline | content service platform | ` + "`POST`" + `, at the address that it registers (` + "`series_offline_url`" + `) |
| 6.9 program emergency offline | content service platform | ` + "`POST`" + `, at the address that it registers (` + "`program_offline_url`" + `) |

Bodies have at most 1 MiB, ` + "`Content-Type: application/json`" + `, and are not compressed.

## Common parameters
`,
	query: "Query parameters (table 1)", members: "Body", fields: "Fields of %",
	columns: "| Name | Type | Required | Meaning |\n|---|---|---|---|\n",
	yes:     "yes", no: "no", oneOf: ": ",
	sample: "Sample request", answer: "Answer when done:", refused: "Answer when something is missing (other codes: [Programmes](programs.en.md)):",
	callers: "There is no other callback: the HTTP answer is the notification.",
	names: map[Interface]string{
		InterfaceSeries: "6.4 Series injection", InterfaceSeriesOffline: "6.5 Series offline", InterfaceProgram: "6.6 Program injection",
		InterfaceProgramOffline: "6.7 Program offline", InterfaceEmergencySeriesOffline: "6.8 Series emergency offline",
		InterfaceEmergencyProgramOffline: "6.9 Program emergency offline",
	},
	messages: map[Type]string{
		SeriesAdd: "add a series", SeriesUpdate: "update a series", SeriesDelete: "delete a series", SeriesOffline: "take series off",
		ProgramAdd: "add a program", ProgramUpdate: "update a program", ProgramDelete: "delete a program", ProgramOffline: "take programs off",
		EmergencySeriesOffline: "take series off in an emergency", EmergencyProgramOffline: "take programs off in an emergency",
	},
	types: map[form]string{
		formText: "text", formNumeric: "text (a number)", formID: "id: 1 to 128 characters, no comma of either width, no control character", formURL: "http or https URL of at most 2048 bytes",
		formInteger: "integer from 0", formStage: "integer from 0, may be empty", formList: "array of text", formQuality: "`SD`, `HD`, `4K` or `8K`",
		formEnum: "text", formPaid: "`0` or `1`", formKind: "text", formObjects: "array of objects", formObject: "object",
		formIDText: "text: ids separated by commas", formIDArray: "array of ids",
	},
	meaning: func(label string) string { return meanings[label] },
	envelope: [][4]string{
		{"groupId", "text: `[A-Za-z0-9._-]{1,64}`", "yes", "the content platform's identifier, from the regulator"},
		{"nonce", "text: `[A-Za-z0-9_-]{8,64}`", "yes", "random, to be used once"},
		{"ts", "integer", "yes", "milliseconds; at most 300 seconds from the receiver's clock"},
		{"sign", "text", "yes", "signature of the request"},
		{"msgId", "text of at most 128 characters", "yes", "id of the message; a retry keeps it"},
		{"msgType", "integer", "yes", "type of the message"},
		{"msgTime", "integer", "yes", "milliseconds; older messages about the same id are not applied"},
		{"msgSign", "text", "yes", "signature and MAC of the message"},
		{"msgData", "object", "yes", "what the message is about"},
	},
}

// meanings are the standard's words for fields, in English.
var meanings = map[string]string{
	"节目集唯一 ID": "unique id of the series", "标题": "title", "子标题": "subtitle", "英文标题": "English title", "竖海报 URL": "upright poster", "横海报 URL": "broad poster",
	"分类": "category", "子分类": "subcategories", "标签": "tags", "剧情关键字": "keywords of the plot", "年代": "year", "题材、类型": "genres", "地区": "areas", "语言": "languages",
	"发行日期": "date of release", "节目时长，单位为秒": "length in seconds", "清晰度": "definition", "评分": "score", "简介": "summary", "详情": "description", "导演": "directors",
	"主演": "stars", "编剧": "writers", "角色": "roles", "主持人": "hosts", "嘉宾": "guests", "第几季": "number of the season",
	"总集数，剧集类必填，电影类非必填": "number of episodes; required of series of episodes, not of films", "更新到第几集": "newest episode", "是否完结": "whether it is complete", "发行许可": "licence",
	"是否付费": "whether it must be paid for", "状态": "state", "节目集相关节目": "programs of the series", "相关节目 ID": "id of the program", "节目集 ID": "id of the series", "节目标题": "title of the program",
	"节目类型": "kind: main part, trailer, extra", "顺序号": "position", "集数或期数，日期型使用 YYYYMMDD，非正片为空": "number of the episode or issue, a date as YYYYMMDD, empty for what is no main part",
	"节目唯一 ID": "unique id of the program", "视频截图 URL（小）": "small still", "视频截图 URL（大）": "large still", "关键字": "keywords", "所属节目集 ID": "id of the series it belongs to",
	"播放信息": "how it is played", "节目集相关节目元数据，属于节目集时必填": "its place in the series; required of a program of a series", "视频 ID": "id of the video", "视频码率": "bit rate of the video",
	"帧率，视频必须提供": "frames per second; required of video", "视频宽": "width", "视频高": "height", "音频码率": "bit rate of the sound", "音频采样率": "sampling rate of the sound", "格式": "format",
	"视频播放地址": "address of the video", "下线节目集 ID，多个用半角逗号分隔": "ids of the series, separated by commas", "内容服务平台的节目 ID": "the content platform's ids of the programs",
}
