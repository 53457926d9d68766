package dev.lockstep.tokenizer;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

import com.fasterxml.jackson.databind.JsonNode;
import org.jspecify.annotations.Nullable;

import dev.lockstep.jinja.Template;
import dev.lockstep.jinja.rendering.TemplateException;
import dev.lockstep.model.JsonFile;
import dev.lockstep.model.ModelException;

/**
 * A checkpoint's chat template: makes one prompt of a conversation, exactly as transformers'
 * {@code apply_chat_template} does. What it renders holds the special tokens already, so the tokenizer must not add them
 * again.
 */
public final class ChatTemplate {
    private final Map<String, Source> templates;
    private final Map<String, Object> specialTokens;
    private final Clock clock;
    private final Map<String, Boolean> takesParts = new ConcurrentHashMap<>();

    /**
     * A template, or why it is none; a fault of one is no fault of the others.
     *
     * @param template null where there is a fault, and only there
     */
    private record Source(@Nullable Template template, @Nullable String fault) {}

    private ChatTemplate(Map<String, Source> templates, Map<String, Object> specialTokens, Clock clock) {
        this.templates = templates;
        this.specialTokens = specialTokens;
        this.clock = clock;
    }

    /**
     * Reads {@code chat_template.jinja} and {@code additional_chat_templates/*.jinja}, or where there is no such file
     * {@code chat_template} of {@code tokenizer_config.json}, a string or a list of named templates; the special tokens
     * come from that file, those it does not name from {@code special_tokens_map.json}.
     *
     * @param directory a checkpoint's
     * @return empty where the checkpoint has no template
     * @throws ModelException naming the file that cannot be read, or that of the usual template if it is not one
     */
    public static Optional<ChatTemplate> load(Path directory) {
        return load(directory, Clock.system(ZoneId.systemDefault()));
    }

    public static Optional<ChatTemplate> load(Path directory, Clock clock) {
        Path file = directory.resolve(SpecialTokens.CONFIG);
        Optional<JsonFile> config = SpecialTokens.config(directory);
        Map<String, Source> templates = files(directory);
        if (templates.isEmpty() && config.isPresent()) {
            templates = inConfig(file, config.get());
        }
        if (templates.isEmpty()) {
            return Optional.empty();
        }
        Source usual = templates.get("default");
        if (usual != null && usual.fault() != null) {
            throw new ModelException(usual.fault());
        }
        return Optional.of(new ChatTemplate(templates, SpecialTokens.of(directory, config), clock));
    }

    private static Map<String, Source> files(Path directory) {
        Map<String, Source> templates = new LinkedHashMap<>();
        Path file = directory.resolve("chat_template.jinja");
        Path others = directory.resolve("additional_chat_templates");
        if (Files.exists(file)) {
            templates.put("default", parse(file, "", text(file)));
        }
        if (Files.isDirectory(others)) {
            try (var list = Files.list(others)) {
                for (Path other : list.filter(path -> path.toString().endsWith(".jinja")).sorted().toList()) {
                    templates.put(other.getFileName().toString().replace(".jinja", ""), parse(other, "", text(other)));
                }
            } catch (IOException e) {
                throw new ModelException(others + " cannot be read: " + e.getMessage() + ".", e);
            }
        }
        return templates;
    }

    private static Map<String, Source> inConfig(Path file, JsonFile config) {
        Map<String, Source> templates = new LinkedHashMap<>();
        JsonNode value = config.value("chat_template").orElse(null);
        if (value != null && value.isArray()) {
            for (JsonNode named : value) {
                if (!named.path("name").isTextual() || !named.path("template").isTextual()) {
                    throw config.wrong("chat_template", value, "a string or a list of objects with name and template");
                }
                templates.put(named.get("name").textValue(), parse(file, ": chat_template " + named.get("name"),
                        named.get("template").textValue()));
            }
        } else if (value != null) {
            templates.put("default", parse(file, ": chat_template", config.text("chat_template").orElseThrow()));
        }
        return templates;
    }

    private static Source parse(Path file, String part, String source) {
        try {
            return new Source(Template.parse(source), null);
        } catch (TemplateException e) {
            String said = String.valueOf(e.getMessage());
            String why = said.endsWith(".") ? said : said + ".";
            return new Source(null, file + part + " is not a template that can be read: " + why);
        }
    }

    private static String text(Path file) {
        try {
            return Files.readString(file, StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new ModelException(file + " cannot be read: " + e.getMessage() + ".", e);
        }
    }

    /**
     * As transformers renders it.
     *
     * @param variables by name what the template gets, {@code messages} among them; {@code tools} where there are any,
     *                  {@code add_generation_prompt}, and whatever else this template knows
     * @return the prompt
     * @throws IllegalArgumentException in one sentence, the template's own where it refuses the conversation
     */
    public String render(JsonNode variables) {
        return render(values(variables));
    }

    /**
     * As {@link #render}, with a content that is a list of texts made one string where the template does not take lists:
     * OpenAI's form of messages for templates of either kind.
     *
     * @throws IllegalArgumentException besides, where a part of a content is no text, whatever the template does with it
     */
    public String renderTexts(JsonNode variables) {
        Map<String, Object> values = values(variables);
        if (values.get("messages")instanceof List<?> messages) {
            ContentParts.requireTexts(messages);
            boolean tools = values.get("tools") != null;
            values.put("messages", ContentParts.joined(messages, role -> takesParts(role, tools)));
        }
        return render(values);
    }

    private Map<String, Object> values(JsonNode variables) {
        Map<String, Object> values = values();
        variables.properties().forEach(field -> values.put(field.getKey(), value(field.getValue())));
        return values;
    }

    /** What a template gets if nothing is said. */
    private Map<String, Object> values() {
        Map<String, Object> values = new LinkedHashMap<>(specialTokens);
        values.put("tools", null);
        values.put("documents", null);
        values.put("add_generation_prompt", false);
        return values;
    }

    private String render(Map<String, Object> values) {
        boolean continues = Boolean.TRUE.equals(values.remove("continue_final_message"));
        if (continues && Boolean.TRUE.equals(values.get("add_generation_prompt"))) {
            throw new IllegalArgumentException(
                    "continue_final_message and add_generation_prompt exclude each other, so give one of them");
        }
        FinalMessage last = null;
        if (continues) {
            last = FinalMessage.mark(values.get("messages"));
            values.put("messages", last.messages());
        }
        try {
            String text = named(values.get("tools") != null).render(values, clock);
            return last == null ? text : last.cut(text);
        } catch (TemplateException e) {
            throw new IllegalArgumentException("the chat template says: " + e.getMessage(), e);
        }
    }

    private Template named(boolean withTools) {
        Source source = templates.get(withTools && templates.containsKey("tool_use") ? "tool_use" : "default");
        if (source == null) {
            throw new IllegalArgumentException("none of the checkpoint's chat templates is called default; there are "
                    + String.join(", ", templates.keySet()));
        }
        if (source.template() == null) {
            throw new IllegalArgumentException(source.fault());
        }
        return source.template();
    }

    /** Whether the template shows all parts of a content where messages of this role have some; tried once. */
    private boolean takesParts(String role, boolean withTools) {
        return takesParts.computeIfAbsent(role + withTools, key -> {
            Template template = named(withTools);
            return PartsProbe.conversations(role).stream().anyMatch(probe -> probe.succeeds(messages -> {
                Map<String, Object> values = values();
                values.put("messages", messages);
                return template.render(values, clock);
            }));
        });
    }

    /** JSON as the template engine's values. */
    private static @Nullable Object value(JsonNode node) {
        if (node.isTextual()) {
            return node.textValue();
        }
        if (node.isArray()) {
            List<Object> list = new ArrayList<>();
            node.forEach(item -> list.add(value(item)));
            return list;
        }
        if (node.isObject()) {
            Map<String, Object> map = new LinkedHashMap<>();
            node.properties().forEach(field -> map.put(field.getKey(), value(field.getValue())));
            return map;
        }
        if (node.isIntegralNumber()) {
            return node.canConvertToLong() ? (Object) node.longValue() : node.bigIntegerValue();
        }
        return node.isNumber() ? (Object) node.doubleValue() : node.isBoolean() ? (Object) node.booleanValue() : null;
    }
}
