package dev.lockstep.batch;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.Pattern;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;

import dev.lockstep.checkpoint.Checkpoint;
import dev.lockstep.checkpoint.ModelException;
import dev.lockstep.fixtures.Golden;
import dev.lockstep.host.UsageException;
import dev.lockstep.json.Json;
import dev.lockstep.prompts.Prompt;
import dev.lockstep.prompts.PromptReader;
import dev.lockstep.tokenizer.ChatTemplate;
import dev.lockstep.tokenizer.Tokenizer;

/**
 * Files of a checkpoint and of prompts with something changed at random, read as a job reads them: each must be read, or
 * refused in one sentence, within ten seconds and the heap there is. {@code src/test/soak/files.sh} runs it, again and
 * again, since a tokenizer may end the process: it says on stdout which mutation is next, and takes the first as its
 * argument.
 */
public final class MutatedFiles {
    private static final String SENTENCE = "(?s)(?!.*(Exception|\\.java:|fasterxml|Feature)).{1,2000}";
    private static final int SECONDS = 10;
    private static final List<String> TARGETS = List.of("config.json", "tokenizer.json", "model.safetensors",
            "generation_config.json", "chat_template.jinja", "tokenizer_config.json", "prompts.jsonl", "prompts.json");
    /** What has been wrong somewhere before. */
    private static final List<String> VALUES = List.of("null", "true", "-1", "0", "1e999", "NaN", "-Infinity",
            "2147483647",
            "4294967296", "-9223372036854775808", "1".repeat(1001), "0.1", "\"\"", "\"\\u001b[2J\"", "\"\\ud800\"",
            "[]",
            "{}", "[".repeat(1200), "[".repeat(500) + "]".repeat(500), "\"" + "x".repeat(70_000) + "\"",
            "{\"a\":1,\"a\":2}",
            "\"Regex\"", "{\"Regex\":\"(a*)*\"}", "[[[1]]]");
    private static final List<String> TEMPLATE = List.of("{{", "}}", "{% for x in messages %}", "{% endfor %}", "{% if",
            "| tojson", "range(1000000000)", "* 100000000", "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
            "messages[",
            "namespace(", "loop.", "~", "''", "\u0000", "(".repeat(3000), "-%}", "{#");

    /** Parts of a tokenizer, each of which is put in with some of its values changed. */
    private static final Map<String, List<String>> PARTS = Map.of("normalizer", List.of(
            "{'type':'Replace','pattern':{'String':' '},'content':'_'}", "{'type':'Prepend','prepend':'_'}",
            "{'type':'Replace','pattern':{'Regex':' +'},'content':''}", "{'type':'NFKC'}",
            "{'type':'Strip','strip_left':true,'strip_right':false}",
            "{'type':'Precompiled','precompiled_charsmap':'BAAAAAAAAABhAA=='}",
            "{'type':'Sequence','normalizers':[{'type':'NFC'},{'type':'Lowercase'}]}",
            "{'type':'BertNormalizer','clean_text':true,'handle_chinese_chars':true,'strip_accents':null,'lowercase':true}"),
            "pre_tokenizer", List.of("{'type':'FixedLength','length':3}", "{'type':'Digits','individual_digits':true}",
                    "{'type':'Split','pattern':{'String':' '},'behavior':'Isolated','invert':false}",
                    "{'type':'Metaspace','replacement':'_','prepend_scheme':'always','split':true}",
                    "{'type':'ByteLevel','add_prefix_space':true,'trim_offsets':true,'use_regex':true}",
                    "{'type':'Sequence','pretokenizers':[{'type':'Punctuation','behavior':'Isolated'}]}"),
            "post_processor", List.of("{'type':'BertProcessing','sep':['a',1],'cls':['b',2]}",
                    "{'type':'TemplateProcessing','single':[{'SpecialToken':{'id':'q','type_id':0}},{'Sequence':"
                            + "{'id':'A','type_id':0}}],'pair':[],'special_tokens':{'q':{'id':'q','ids':[1],'tokens':['q']}}}",
                    "{'type':'RobertaProcessing','sep':['a',1],'cls':['b',2],'trim_offsets':true,'add_prefix_space':true}"),
            "decoder", List.of("{'type':'Strip','content':' ','start':1,'stop':0}", "{'type':'ByteFallback'}",
                    "{'type':'CTC','pad_token':'<p>','word_delimiter_token':'|','cleanup':true}",
                    "{'type':'BPEDecoder','suffix':'_'}", "{'type':'WordPiece','prefix':'##','cleanup':true}",
                    "{'type':'Sequence','decoders':[{'type':'Fuse'},{'type':'Strip','content':' ','start':1,'stop':0}]}",
                    "{'type':'Replace','pattern':{'String':'_'},'content':' '}"));
    /** A value and no name. */
    private static final Pattern VALUE = Pattern
            .compile("(?<=[:\\[,]\\s{0,20})(\"[^\"]{0,200}\"|-?\\d[\\d.e+-]{0,20}|true|false"
                    + "|null|\\[[^\\[\\]]{0,80}]|\\{[^{}]{0,80}})(?=\\s{0,20}[,\\]}])");

    private final Path directory;
    private final Map<String, byte[]> originals = new TreeMap<>();
    private final ExecutorService thread = Executors.newCachedThreadPool(task -> {
        Thread worker = new Thread(null, task, "reader", 1 << 20);
        worker.setDaemon(true);
        return worker;
    });
    private int failures;

    private MutatedFiles(Path directory) throws IOException {
        this.directory = directory;
        Path tiny = Golden.FOLDER.resolveSibling("cases/tiny-model");
        for (String name : List.of("config.json", "tokenizer.json", "model.safetensors")) {
            originals.put(name, Files.readAllBytes(tiny.resolve(name)));
        }
        originals.put("generation_config.json",
                bytes("{\"do_sample\":true,\"temperature\":0.8,\"top_k\":50,\"top_p\":0.9,"
                        + "\"eos_token_id\":[1,2],\"max_new_tokens\":20,\"repetition_penalty\":1.1}"));
        String template = "{% for m in messages %}{% if loop.first %}{{ bos_token }}{% endif %}<{{ m['role'] }}>"
                + "{{ m.content | trim }}{% if m.tools is defined %}{{ m.tools | tojson }}{% endif %}{% endfor %}"
                + "{% set ns = namespace(a=1) %}{% if add_generation_prompt %}<assistant>{% endif %}";
        originals.put("chat_template.jinja", bytes(template));
        ObjectNode config = new ObjectMapper().createObjectNode().put("bos_token", "<s>").put("chat_template",
                template);
        originals.put("tokenizer_config.json", bytes(config.toString()));
        String row = "{\"prompt\":\"a\",\"id\":\"x\",\"temperature\":0.5,\"top_k\":4,\"stop\":[\"b\"],\"seed\":7}";
        String chat = "{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}],\"max_tokens\":3,\"logprobs\":true}";
        originals.put("prompts.jsonl", bytes(row + "\n" + chat + "\n\"text\"\n"));
        originals.put("prompts.json", bytes("[" + row + ",\n" + chat + ",\"text\"]"));
        for (Map.Entry<String, byte[]> file : originals.entrySet()) {
            Files.write(directory.resolve(file.getKey()), file.getValue());
        }
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    /** {@code DIRECTORY SEED FIRST COUNT}. */
    public static void main(String[] args) throws Exception {
        MutatedFiles run = new MutatedFiles(Path.of(args[0]));
        long seed = Long.parseLong(args[1]);
        int first = Integer.parseInt(args[2]);
        int end = first + Integer.parseInt(args[3]);
        for (int i = first; i < end; i++) {
            System.out.println("next " + i);
            // Random itself begins alike for seeds that are neighbours
            run.one(i, new Random(new SplittableRandom(seed * 1_000_003 + i).nextLong()));
        }
        System.out.println("failures " + run.failures);
        System.exit(run.failures == 0 ? 0 : 1);
    }

    private void one(int number, Random random) throws Exception {
        String target = TARGETS.get(random.nextInt(TARGETS.size()));
        byte[] mutated = mutated(target, originals.get(target), random);
        Path file = directory.resolve(target);
        Files.write(file, mutated);
        Future<String> reading = thread.submit(() -> read(target));
        String outcome;
        try {
            outcome = reading.get(SECONDS, TimeUnit.SECONDS);
        } catch (TimeoutException e) {
            outcome = "hang";
            // it may go on for ever, so the next ones have a process of their own
            fail(number, target, mutated, outcome);
            System.exit(3);
        } catch (ExecutionException e) {
            outcome = e.getCause() instanceof OutOfMemoryError ? "heap" : "trace of " + e.getCause();
        }
        Files.write(file, originals.get(target));
        System.out.println("outcome " + target + " " + outcome.replaceFirst("(?s)[: ].*", ""));
        if (!outcome.equals("read") && !outcome.equals("refused")) {
            fail(number, target, mutated, outcome);
        }
    }

    private void fail(int number, String target, byte[] mutated, String outcome) throws IOException {
        failures++;
        Files.write(directory.resolve("failed-" + number + "-" + target), mutated);
        System.out.println("FAILED " + number + " " + target + " " + outcome.replaceAll("(?s)\\R.*", ""));
    }

    /** What a job does with the file. */
    private String read(String target) throws IOException {
        try {
            if (target.startsWith("prompts")) {
                return prompts(target);
            }
            Checkpoint checkpoint = Checkpoint.open(directory);
            checkpoint.unused();
            if (target.equals("tokenizer.json")) {
                try (Tokenizer tokenizer = Tokenizer.load(directory)) {
                    for (String text : List.of("", "a", "In the  beginning <s> \u00e9")) {
                        int[] ids = tokenizer.encode(text, true);
                        tokenizer.decode(ids, true);
                        Arrays.stream(ids).forEach(tokenizer::bytes);
                    }
                }
            } else if (target.contains("template") || target.equals("tokenizer_config.json")) {
                if (target.equals("tokenizer_config.json")) {
                    Files.delete(directory.resolve("chat_template.jinja"));
                }
                template();
            }
            return "read";
        } catch (ModelException | UsageException e) {
            return e.getMessage().matches(SENTENCE) ? "refused" : "no sentence: " + e.getMessage();
        } catch (RuntimeException e) {
            // of the tokenizers library, whose errors become a row's
            if (target.equals("tokenizer.json") && String.valueOf(e.getMessage()).matches(SENTENCE)) {
                return "refused";
            }
            throw e;
        } finally {
            Files.write(directory.resolve("chat_template.jinja"), originals.get("chat_template.jinja"));
        }
    }

    private void template() {
        ObjectNode chat = new ObjectMapper().createObjectNode().put("add_generation_prompt", true);
        chat.putArray("messages").addObject().put("role", "user").put("content", "Hi");
        try {
            ChatTemplate.load(directory).ifPresent(template -> template.render(chat));
        } catch (IllegalArgumentException e) {
            if (!String.valueOf(e.getMessage()).matches(SENTENCE)) {
                throw e;
            }
        }
    }

    private String prompts(String target) throws IOException {
        for (Prompt prompt : PromptReader.readAll(directory.resolve(target).toString(),
                InputStream.nullInputStream())) {
            if (prompt.error() != null && !prompt.error().matches(SENTENCE)) {
                return "no sentence: " + prompt.error();
            }
            Json.MAPPER.writeValueAsBytes(prompt);
        }
        return "read";
    }

    private static byte[] mutated(String target, byte[] original, Random random) throws IOException {
        if (target.equals("model.safetensors")) {
            return header(original, random);
        }
        if (target.equals("tokenizer.json") && random.nextInt(3) > 0) {
            return part(original, random);
        }
        byte[] bytes = original;
        for (int i = 0; i <= random.nextInt(3); i++) {
            bytes = random.nextInt(6) == 0
                    ? bytewise(bytes, random)
                    : target.endsWith(".jinja") ? spliced(bytes, TEMPLATE, random) : valued(bytes, random);
        }
        return bytes;
    }

    private static byte[] part(byte[] original, Random random) throws IOException {
        ObjectMapper json = new ObjectMapper();
        ObjectNode tokenizer = (ObjectNode) json.readTree(original);
        String place = List.of("decoder", "normalizer", "post_processor", "pre_tokenizer").get(random.nextInt(4));
        List<String> parts = PARTS.get(place);
        byte[] part = bytes(parts.get(random.nextInt(parts.size())).replace('\'', '"'));
        for (int i = 0; i <= random.nextInt(2); i++) {
            part = valued(part, random);
        }
        tokenizer.put(place, "here");
        return bytes(tokenizer.toString().replace("\"" + place + "\":\"here\"",
                "\"" + place + "\":" + new String(part, StandardCharsets.UTF_8)));
    }

    /** A header with something changed, and its length mostly right. */
    private static byte[] header(byte[] original, Random random) {
        int length = (int) ByteBuffer.wrap(original).order(ByteOrder.LITTLE_ENDIAN).getLong();
        byte[] header = Arrays.copyOfRange(original, 8, 8 + length);
        byte[] data = Arrays.copyOfRange(original, 8 + length, original.length);
        byte[] other = random.nextInt(6) == 0 ? bytewise(header, random) : valued(header, random);
        long says = random.nextInt(8) == 0 ? random.nextLong() >>> random.nextInt(64) : other.length;
        int kept = random.nextInt(8) == 0 ? random.nextInt(data.length) : data.length;
        return ByteBuffer.allocate(8 + other.length + kept).order(ByteOrder.LITTLE_ENDIAN).putLong(says).put(other)
                .put(data, 0, kept).array();
    }

    private static byte[] bytewise(byte[] original, Random random) {
        byte[] bytes = original.clone();
        switch (random.nextInt(4)) {
            case 0 -> {
                return Arrays.copyOf(bytes, random.nextInt(bytes.length + 1));
            }
            case 1 -> bytes[random.nextInt(bytes.length)] = (byte) random.nextInt(256);
            case 2 -> bytes[random.nextInt(bytes.length)] ^= (byte) (1 << random.nextInt(8));
            default -> {
                int from = random.nextInt(bytes.length);
                int to = Math.min(bytes.length, from + random.nextInt(50));
                byte[] twice = Arrays.copyOf(bytes, bytes.length + to - from);
                System.arraycopy(bytes, from, twice, to, bytes.length - from);
                return twice;
            }
        }
        return bytes;
    }

    private static byte[] spliced(byte[] original, List<String> pieces, Random random) {
        String text = new String(original, StandardCharsets.UTF_8);
        int at = random.nextInt(text.length() + 1);
        int skipped = random.nextInt(4) == 0 ? random.nextInt(20) : 0;
        return bytes(text.substring(0, at) + pieces.get(random.nextInt(pieces.size()))
                + text.substring(Math.min(text.length(), at + skipped)));
    }

    /** Puts another value in the place of some value, or takes a field's name from elsewhere. */
    private static byte[] valued(byte[] original, Random random) {
        String text = new String(original, StandardCharsets.UTF_8);
        // the interesting parts of a tokenizer are those at its ends, not its thousands of tokens
        int span = random.nextInt(2) == 0 ? Math.min(text.length(), 1500) : text.length();
        List<int[]> places = new ArrayList<>();
        var value = VALUE.matcher(text);
        int from = random.nextInt(2) == 0 ? 0 : text.length() - span;
        value.region(from, from + span);
        while (value.find()) {
            places.add(new int[]{value.start(), value.end()});
        }
        if (places.isEmpty()) {
            return bytewise(original.length == 0 ? new byte[]{'x'} : original, random);
        }
        int[] place = places.get(random.nextInt(places.size()));
        String other = VALUES.get(random.nextInt(VALUES.size()));
        if (random.nextInt(4) == 0) {
            int[] from2 = places.get(random.nextInt(places.size()));
            other = text.substring(from2[0], from2[1]);
        }
        return bytes(text.substring(0, place[0]) + other + text.substring(place[1]));
    }
}
