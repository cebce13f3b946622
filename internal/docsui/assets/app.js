'use strict';

const texts = {
  zh: { search: '搜索：名称、路径、标准条目', token: '令牌（仅保留在本页）', other: 'English', parameters: '请求参数', body: '请求体', answer: '返回参数',
    sample: '请求示例', answerSample: '返回示例', accepted: '已受理（结果未知）返回示例', callback: '回调参数', callbackSample: '回调示例', errors: '错误', tryIt: '调用',
    send: '发送', copy: '复制', copied: '已复制', required: '必填', name: '名称', where: '位置', type: '类型', description: '说明', permission: '权限',
    rows: 'GY/T 355', none: '没有匹配的接口', code: '错误码', failed: '无法读取接口文档', writeHint: '该调用会改变资源。' },
  en: { search: 'Search: name, path, row of the standard', token: 'Token (kept in this page only)', other: '中文', parameters: 'Parameters', body: 'Request body',
    answer: 'Answer', sample: 'Request sample', answerSample: 'Answer sample', accepted: 'Answer sample while the outcome is not known', callback: 'Callback',
    callbackSample: 'Callback sample', errors: 'Errors', tryIt: 'Try it', send: 'Send', copy: 'Copy', copied: 'Copied', required: 'required', name: 'Name',
    where: 'In', type: 'Type', description: 'Description', permission: 'Permission', rows: 'GY/T 355', none: 'No function matches', code: 'Code',
    failed: 'The document cannot be read', writeHint: 'This call changes resources.' },
};
let language = navigator.language.startsWith('zh') ? 'zh' : 'en';
let api;
let functions = [];
const t = (key) => texts[language][key];
const byId = (id) => document.getElementById(id);

// el makes an element; strings among the children become text, never markup.
function el(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

// resolve follows references within the document.
function resolve(node) {
  let seen = 0;
  while (node && node.$ref && seen++ < 20) {
    node = node.$ref.slice(2).split('/').reduce((at, key) => at[key.replaceAll('~1', '/').replaceAll('~0', '~')], api);
  }
  return node || {};
}

const refName = (node) => (node.$ref || '').split('/').pop().replace(/^.*\.v\d+\./, '');
const json = (value) => JSON.stringify(value, null, 2);

// collect joins the routes of one rpc to one function.
function collect() {
  const found = new Map();
  for (const [path, item] of Object.entries(api.paths)) {
    for (const [verb, operation] of Object.entries(item)) {
      const key = operation['x-rpc'] || operation.operationId;
      const entry = found.get(key) || { id: operation.operationId, routes: [] };
      const route = { verb, path, operation };
      if (operation.operationId.endsWith('Rest')) entry.routes.push(route);
      else { entry.routes.unshift(route); entry.id = operation.operationId; }
      found.set(key, entry);
    }
  }
  functions = [...found.values()].sort((a, b) => a.routes[0].path.localeCompare(b.routes[0].path));
}

function matches(fn, query) {
  const { operation } = fn.routes[0];
  const hay = [fn.id, operation.description, operation['x-permission'], ...(operation['x-gyt355-rows'] || []), ...fn.routes.map((route) => route.path)];
  return query.toLowerCase().split(/\s+/).every((word) => hay.join(' ').toLowerCase().includes(word));
}

function drawList() {
  const list = byId('list');
  const query = byId('search').value.trim();
  const groups = new Map();
  for (const fn of functions.filter((candidate) => matches(candidate, query))) {
    const tag = fn.routes[0].operation.tags[0];
    groups.set(tag, [...(groups.get(tag) || []), fn]);
  }
  list.replaceChildren(...[...groups].flatMap(([tag, members]) => [el('h2', {}, tag), ...members.map((fn) => el('a',
    { href: '#' + fn.id, class: location.hash.slice(1) === fn.id ? 'here' : '', title: fn.routes[0].operation.summary || '' },
    verbMark(fn.routes[0].verb), el('span', {}, fn.id)))]));
  if (!groups.size) list.append(el('p', { class: 'faint' }, t('none')));
}

const verbMark = (verb) => el('span', { class: 'verb ' + verb }, verb.toUpperCase());

function typeOf(schema) {
  const plain = resolve(schema);
  if (plain.type === 'array') return typeOf(plain.items) + '[]';
  if (plain.enum && schema.$ref) return refName(schema);
  if (plain.additionalProperties) return `map<string, ${typeOf(plain.additionalProperties)}>`;
  if (schema.$ref) return refName(schema);
  return plain.format || plain.type || 'any';
}

// limits tells the validation rules of a schema in short.
function limits(schema) {
  const plain = resolve(schema);
  const parts = [];
  const range = (low, high, unit) => { if (low !== undefined || high !== undefined) parts.push(`${low ?? ''}..${high ?? ''}${unit}`); };
  range(plain.minimum, plain.maximum, '');
  range(plain.minLength, plain.maxLength, ' chars');
  range(plain.minItems, plain.maxItems, ' items');
  if (plain.pattern) parts.push(plain.pattern);
  const names = plain.enum || resolve(plain.items || {}).enum;
  if (names) parts.push(names.join(' | '));
  return parts.concat(schema['x-rules'] || []).join('; ');
}

function describe(node, schema) {
  const cell = el('td', {}, node.description || '');
  const rule = limits(schema);
  if (rule) cell.append(el('div', { class: 'faint' }, rule));
  for (const name of node['x-gyt355-param'] || []) cell.append(el('span', { class: 'chip' }, name));
  for (const key of ['x-ref', 'x-feature']) if (node[key]) cell.append(el('span', { class: 'chip' }, `${key.slice(2)}: ${node[key]}`));
  return cell;
}

function parameterTable(list) {
  return el('table', {}, el('tr', {}, [t('name'), t('where'), t('type'), t('description')].map((head) => el('th', {}, head))),
    list.map((parameter) => el('tr', {}, el('td', {}, el('code', {}, parameter.name), parameter.required ? el('span', { class: 'must' }, t('required')) : null),
      el('td', {}, parameter.in), el('td', {}, typeOf(parameter.schema)), describe(parameter, parameter.schema))));
}

// schemaRows lists the members of an object, and those of its members below them.
function schemaRows(schema, depth, seen) {
  const plain = resolve(schema);
  if (plain.allOf) return plain.allOf.flatMap((part) => schemaRows(part, depth, seen));
  const name = schema.$ref || '';
  if (!plain.properties || depth > 3 || seen.includes(name)) return [];
  return Object.entries(plain.properties).flatMap(([key, property]) => {
    const must = (plain.required || []).includes(key);
    const inner = resolve(property).type === 'array' ? resolve(property).items : property;
    return [el('tr', {}, el('td', { class: 'deep' + depth }, el('code', {}, key), must ? el('span', { class: 'must' }, t('required')) : null),
      el('td', {}, typeOf(property)), describe(property, property)), ...schemaRows(inner, depth + 1, [...seen, name])];
  });
}

const schemaTable = (schema) => el('table', {}, el('tr', {}, [t('name'), t('type'), t('description')].map((head) => el('th', {}, head))), schemaRows(schema, 0, []));

function box(text) {
  const button = el('button', { type: 'button', onclick: async () => {
    await navigator.clipboard.writeText(text);
    button.textContent = t('copied');
  } }, t('copy'));
  return el('div', { class: 'box' }, el('pre', {}, text), button);
}

const section = (title, ...content) => [el('h3', {}, title), ...content];
const media = (node) => (resolve(node).content || {})['application/json'];

function address(route, values) {
  const query = new URLSearchParams();
  let path = route.path;
  for (const { parameter, value } of values) {
    if (parameter.in === 'path') path = path.replace(`{${parameter.name}}`, encodeURIComponent(value));
    if (parameter.in === 'query') for (const one of [value].flat()) query.append(parameter.name, one);
  }
  return path + (query.size ? '?' + query : '');
}

function curl(route, parameters) {
  const values = parameters.filter((parameter) => parameter.example !== undefined && parameter.in !== 'header').map((parameter) => ({ parameter, value: parameter.example }));
  const lines = [`curl -X ${route.verb.toUpperCase()} '${location.origin}${address(route, values)}'`, `-H 'Authorization: Bearer '"$TOKEN"`, `-H 'Accept-Language: ${language}'`];
  const body = media(route.operation.requestBody);
  if (body) lines.push("-H 'Content-Type: application/json'", `-d '${JSON.stringify(body.example).replaceAll("'", "'\\''")}'`);
  return lines.join(' \\\n  ');
}

function tryForm(route, parameters) {
  const body = media(route.operation.requestBody);
  const inputs = parameters.map((parameter) => ({ parameter, input: el('input',
    { value: parameter.required && parameter.example !== undefined ? [parameter.example].flat().join(',') : '' }) }));
  const editor = body ? el('textarea', { spellcheck: 'false' }, json(body.example)) : null;
  const output = el('div', {});
  const send = async () => {
    const set = inputs.filter(({ input }) => input.value !== '').map(({ parameter, input }) =>
      ({ parameter, value: parameter.schema.type === 'array' ? input.value.split(',') : input.value }));
    const headers = { 'Accept-Language': language };
    if (byId('token').value) headers.Authorization = 'Bearer ' + byId('token').value;
    if (editor) headers['Content-Type'] = 'application/json';
    for (const { parameter, value } of set) if (parameter.in === 'header') headers[parameter.name] = value;
    try {
      const answer = await fetch(address(route, set), { method: route.verb.toUpperCase(), headers, body: editor ? editor.value : undefined });
      const text = await answer.text();
      let shown = text;
      try { shown = json(JSON.parse(text)); } catch { /* not JSON: shown as it came */ }
      output.replaceChildren(el('p', {}, `${answer.status} ${answer.statusText}`), box(shown));
    } catch (error) {
      output.replaceChildren(el('p', { class: 'must' }, String(error)));
    }
  };
  return el('div', { class: 'try' }, route.verb === 'get' ? null : el('p', { class: 'faint' }, t('writeHint')),
    inputs.map(({ parameter, input }) => el('label', {}, el('code', {}, parameter.name), input)), editor,
    el('p', {}, el('button', { type: 'button', onclick: send }, t('send'))), output);
}

function errorTable(operation) {
  const rows = Object.entries(operation.responses).filter(([status]) => status >= '400' || status === 'default').flatMap(([, response]) =>
    Object.values((media(response) || {}).examples || {}).map((example) => resolve(example).value));
  return el('table', {}, el('tr', {}, ['HTTP', t('code'), 'reason', t('description')].map((head) => el('th', {}, head))),
    rows.map((value) => el('tr', {}, [String(value.code).slice(0, 3), value.code, value.data.reason].map((text) => el('td', {}, el('code', {}, String(text)))),
      el('td', {}, language === 'zh' ? value.message : resolve(api.components.examples[value.data.reason]).summary.replace(/^.*?: /, '')))));
}

function drawFunction(fn) {
  const route = fn.routes[0];
  const { operation } = route;
  const parameters = (operation.parameters || []).map(resolve);
  const body = media(operation.requestBody);
  const ok = media(operation.responses['200']);
  const accepted = media(operation.responses['202']);
  const callback = Object.values(operation.callbacks || {}).map(resolve).map((entry) => Object.values(entry)[0].post)[0];
  const chips = [operation['x-permission'] && `${t('permission')}: ${operation['x-permission']}`, ...(operation['x-gyt355-rows'] || []).map((row) => `${t('rows')} ${row}`)];
  byId('main').replaceChildren(el('h2', {}, fn.id), ...fn.routes.map(({ verb, path }) => el('div', { class: 'route' }, verbMark(verb), el('span', {}, path))),
    el('p', {}, operation.description || operation.summary), el('p', {}, chips.filter(Boolean).map((chip) => el('span', { class: 'chip' }, chip))),
    ...(parameters.length ? section(t('parameters'), parameterTable(parameters)) : []),
    ...(body ? section(t('body'), schemaTable(body.schema)) : []),
    ...section(t('sample'), box(curl(route, parameters)), body ? box(json(body.example)) : null),
    ...(ok ? section(t('answer'), schemaTable(ok.schema)) : []),
    ...(ok && ok.example ? section(t('answerSample'), box(json(ok.example))) : []),
    ...(accepted ? section(t('accepted'), box(json(accepted.example))) : []),
    ...(callback ? section(t('callback'), schemaTable(media(callback.requestBody).schema)).concat(section(t('callbackSample'), box(json(media(callback.requestBody).example)))) : []),
    ...(operation['x-rpc'] ? section(t('errors'), errorTable(operation)) : []),
    ...section(t('tryIt'), tryForm(route, parameters)));
  byId('main').scrollTop = 0;
}

function drawStart() {
  byId('main').replaceChildren(el('h2', {}, api.info.title), el('p', {}, api.info.summary || ''), el('p', {}, api.info.description),
    el('table', {}, api.tags.map((tag) => el('tr', {}, el('td', {}, el('code', {}, tag.name)), el('td', {}, tag.description || '')))));
}

function draw() {
  document.documentElement.lang = language;
  byId('language').textContent = t('other');
  byId('search').placeholder = t('search');
  byId('token').placeholder = t('token');
  if (!api) return;
  drawList();
  const fn = functions.find((candidate) => candidate.id === location.hash.slice(1));
  if (fn) drawFunction(fn); else drawStart();
}

async function start() {
  byId('search').addEventListener('input', drawList);
  byId('language').addEventListener('click', () => { language = language === 'zh' ? 'en' : 'zh'; draw(); });
  addEventListener('hashchange', draw);
  draw();
  try {
    const answer = await fetch('/openapi.json');
    if (!answer.ok) throw new Error(answer.status);
    api = await answer.json();
    collect();
    draw();
  } catch (error) {
    byId('main').replaceChildren(el('p', { class: 'must' }, `${t('failed')}: ${error.message}`));
  }
}

start();
