package spec

import "strings"

// People arrive with DAGs of Airflow's in their hands. What has one word here is in elsewhere (keys.go);
// what is said in another way, or not needed, or not there, is told here. Nothing of it is an alias.

// airflowKeys are arguments of Airflow's DAGs, operators and sensors, and what to do instead.
var airflowKeys = map[string]string{
	"task_id":                   "a task's id is its key under `tasks`",
	"start_date":                "write `start` under `schedule`",
	"end_date":                  "write `end` under `schedule`",
	"retry_exponential_backoff": "write `retry_backoff: 2`",
	"sla":                       "write `deadline` and `on_late` at the top of the file",
	"mode":                      "leave it out: a sensor that waits holds no slot and no process",
	"do_xcom_push":              "leave it out: every task has an output",
	"provide_context":           "leave it out: pass what is needed, as ${{ run.ds }}",
	"wait_for_downstream":       "write `max_active_runs: 1` at the top of the file: then runs do not overlap",
	"email":                     pageMail,
	"email_on_failure":          pageMail,
	"email_on_retry":            pageMail,
	"on_retry_callback":         pageRetry,
	"on_execute_callback":       pageRetry,
	"on_skipped_callback":       pageRetry,
	"python_callable":           pagePython,
	"op_args":                   pagePython,
	"op_kwargs":                 pagePython,
	"templates_dict":            pagePython,
	"bucket_key":                pageS3,
	"bucket_name":               pageS3,
	"aws_conn_id":               "write aws: {profile: NAME}, a profile of ~/.aws/config; without it the usual chain is asked",
	"external_dag_id":           pageWaitDAG,
	"external_task_id":          pageWaitDAG,
	"trigger_dag_id":            pageRunDAG,
}

const (
	pageMail     = "a callback sends mail: on_failure: {mail: {run: …}}"
	pageRetry    = "there is no such callback; `on_failure` runs once a task has failed for good"
	pagePython   = "write uses: python, with: {callable: module:function, args: …}"
	pageS3       = "write uses: s3.head, with: {uri: s3://bucket/key}, sensor: {until: output.exists, timeout: 4h}"
	pageFile     = "write uses: file.head, with: {path: …}, sensor: {until: output.exists, timeout: 4h}"
	pageHTTP     = "write uses: http, with: {url: …}; as a sensor with `until`"
	pageWaitDAG  = "write uses: dag.wait, with: {id: …}; with `task` it waits for a task of that DAG"
	pageRunDAG   = "write uses: dag.run, with: {id: …, params: …}; with `wait: true` it waits for the end"
	pageLambda   = "write uses: lambda.invoke, with: {function: …, payload: …}"
	pageDynamoDB = "write uses: dynamodb.get, with: {table: …, key: …}, sensor: {until: output.item != null, timeout: 4h}"
	pageGlue     = "write uses: glue.job, with: {name: …}, which waits by itself"
	pageAthena   = "write uses: athena.query, with: {query: …}, which waits by itself"
	pageMachine  = "write uses: stepfunctions.run, with: {state_machine_arn: …, input: …}, which waits by itself"
	pageBatch    = "write uses: batch.job, with: {job_queue: …, job_definition: …}, which waits by itself"
	pageECS      = "write uses: ecs.task, with: {cluster: …, task_definition: …}, which waits by itself"
	pageEMR      = "write uses: emr_serverless.job, with: {application_id: …, execution_role_arn: …, job_driver: …}, which waits by itself"
)

// airflowUses are operators and sensors of Airflow's, and what people take for names of plugins, in lower
// case, and what to write instead.
var airflowUses = map[string]string{
	"bash": "write run: …", "bashoperator": "write run: …", "bash_operator": "write run: …",
	"pythonoperator": pagePython, "pythonvirtualenvoperator": pagePython, "externalpythonoperator": pagePython,
	"branchpythonoperator": "a branch is a task each with its `when`: when: tasks.choose.output == \"full\"",
	"shortcircuitoperator": "write `when` at the task: when: tasks.check.output == true",
	"emptyoperator":        "write uses: noop", "dummyoperator": "write uses: noop",
	"s3keysensor": pageS3, "s3.sensor": pageS3, "s3": pageS3,
	"filesensor": pageFile, "file.sensor": pageFile,
	"simplehttpoperator": pageHTTP, "httpoperator": pageHTTP, "httpsensor": pageHTTP,
	"timedeltasensor": "write uses: wait, with: {for: 5m}", "datetimesensor": "write uses: wait, with: {until: …}",
	"emailoperator":      "send it by `run`, or by http",
	"externaltasksensor": pageWaitDAG, "triggerdagrunoperator": pageRunDAG,
	"gluejoboperator": pageGlue, "gluejobsensor": pageGlue, "glue": pageGlue,
	"gluecrawleroperator": "write uses: glue.crawler, with: {name: …}, which waits by itself",
	"athenaoperator":      pageAthena, "athenasensor": pageAthena, "athena": pageAthena,
	"stepfunctionstartexecutionoperator": pageMachine, "stepfunctionexecutionsensor": pageMachine, "stepfunctions": pageMachine,
	"batchoperator": pageBatch, "batchsensor": pageBatch, "batch": pageBatch,
	"ecsruntaskoperator": pageECS, "ecsoperator": pageECS, "ecstaskstatesensor": pageECS, "ecs": pageECS,
	"emrserverlessstartjoboperator": pageEMR, "emrserverlessjobsensor": pageEMR, "emr_serverless": pageEMR,
	"lambdainvokefunctionoperator": pageLambda, "awslambdainvokefunctionoperator": pageLambda, "lambda": pageLambda,
	"dynamodbvaluesensor": pageDynamoDB, "dynamodb": pageDynamoDB,
}

// insteadOf says what to write for a plugin that there is not; "" if nobody knows.
func insteadOf(uses string) string { return airflowUses[strings.ToLower(uses)] }
