package dev.lockstep.checkpoint;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

import com.fasterxml.jackson.databind.JsonNode;

import dev.lockstep.checkpoint.Quantization.Group;
import dev.lockstep.checkpoint.QuantizedWeight.Layout;
import dev.lockstep.host.Printable;
import dev.lockstep.model.JsonFile;

/** Reads {@code quantization_config}, or says what of it is not supported and what would be. */
final class QuantizationReader {
    private static final String SUPPORTED = "supported are compressed-tensors (fp8, int8, packed int4 and int8), fp8,"
            + " fbgemm_fp8, awq, gptq and mxfp4: take such a checkpoint of this model, or the one that is not quantized, with"
            + " --quantize fp8 on a GPU for 8 bits";
    private static final int LARGEST_BLOCK = 1 << 26;

    private final JsonFile json;
    private final String method;

    private QuantizationReader(JsonFile json, String method) {
        this.json = json;
        this.method = method;
    }

    static Optional<Quantization> read(JsonFile config) {
        Optional<JsonFile> json = config.object("quantization_config").or(() -> config.object("compression_config"));
        return json.flatMap(object -> new QuantizationReader(object,
                object.text("quant_method").orElseGet(() -> unnamed(object))).quantization());
    }

    /** Older files of two tools do not name themselves. */
    private static String unnamed(JsonFile json) {
        if (json.has("config_groups")) {
            return "compressed-tensors";
        }
        if (json.has("load_in_4bit") || json.has("load_in_8bit")) {
            return "bitsandbytes";
        }
        throw json.fault("quantization_config has no quant_method; " + SUPPORTED + ".");
    }

    private Optional<Quantization> quantization() {
        List<Group> groups = switch (method) {
            case "compressed-tensors" -> compressedTensors();
            case "fp8", "fbgemm_fp8" -> all(fp8());
            case "awq" -> all(awq());
            case "gptq" -> all(gptq());
            case "mxfp4" -> all(new QuantizedForm(QuantizedWeight.Layout.MXFP4, 4, 1, 32, false, false));
            default -> throw json
                    .fault("weights quantized by " + Printable.cut(method) + " are not supported; " + SUPPORTED
                            + ".");
        };
        return groups.isEmpty() ? Optional.empty() : Optional.of(new Quantization(method, groups));
    }

    private static List<Group> all(QuantizedForm form) {
        return List.of(new Group(List.of(), form));
    }

    /** What may only be absent, null or empty. */
    private void refuse(String key, String why) {
        if (json.value(key).filter(value -> !value.isEmpty() || value.isValueNode()).isPresent()) {
            throw json.fault("quantization_config: " + key + " " + why + ".");
        }
    }

    private List<Group> compressedTensors() {
        refuseSparsity();
        if (json.object("transform_config").flatMap(transform -> transform.object("config_groups"))
                .filter(rotations -> !rotations.object().isEmpty()).isPresent()) {
            throw json
                    .fault("quantization_config: transform_config, of weights that are rotated, is not supported; take"
                            + " the checkpoint that is not.");
        }
        JsonFile named = json.object("config_groups")
                .orElseThrow(() -> json.fault("quantization_config: config_groups is missing."));
        List<Group> groups = new ArrayList<>();
        for (String name : (Iterable<String>) named.object()::fieldNames) {
            JsonFile group = named.object(name).orElseThrow(() -> json.fault("config_groups: " + Printable.cut(name)
                    + " must be an object."));
            Optional<JsonFile> weights = group.object("weights");
            String format = group.text("format").or(() -> json.text("format")).orElse("dense");
            if (weights.isPresent() && !format.equals("dense")) {
                groups.add(new Group(targets(group), compressed(format, weights.get())));
            }
        }
        return groups;
    }

    private void refuseSparsity() {
        json.object("sparsity_config").flatMap(sparsity -> sparsity.text("format"))
                .filter(format -> !format.equals("dense")).ifPresent(format -> {
                    throw json.fault("quantization_config: weights stored with holes (sparsity_config, format "
                            + Printable.cut(format) + ") are not supported; take the checkpoint that is not pruned, or"
                            + " one whose format is dense.");
                });
    }

    private static List<String> targets(JsonFile group) {
        List<String> targets = new ArrayList<>();
        for (JsonNode target : group.array("targets").orElseThrow(() -> group.fault("a group of config_groups has no"
                + " targets."))) {
            targets.add(target.asText());
            try {
                Pattern.compile(target.asText());
            } catch (PatternSyntaxException e) {
                throw group.fault("target " + JsonFile.printable(target) + " is no regular expression.", e);
            }
        }
        return targets;
    }

    private QuantizedForm compressed(String format, JsonFile weights) {
        String type = weights.text("type").orElse("int");
        int bits = weights.positive("num_bits").orElse(8);
        boolean symmetric = weights.flag("symmetric").orElse(true);
        boolean packed = format.equals("pack-quantized");
        boolean plain = Set.of("float-quantized", "int-quantized", "naive-quantized").contains(format);
        if (packed && type.equals("int") && (bits == 4 || bits == 8)) {
            int[] block = block(weights);
            return new QuantizedForm(Layout.PACKED_ROWS, bits, block[0], block[1], !symmetric, false);
        }
        if (plain && bits == 8 && symmetric) {
            int[] block = block(weights);
            return new QuantizedForm(type.equals("float") ? Layout.FP8 : Layout.INT8, bits, block[0], block[1], false,
                    false);
        }
        throw json.fault(
                "compressed-tensors' format " + Printable.cut(format) + " with " + (symmetric ? "" : "asymmetric ")
                        + Printable.cut(type) + " weights of " + bits + " bits is not supported; " + SUPPORTED + ".");
    }

    /** Rows and columns that share a scale; 0 for all. */
    private int[] block(JsonFile weights) {
        int group = group(weights);
        String strategy = weights.text("strategy")
                .orElse(group > 0 ? "group" : weights.has("group_size") ? "channel" : "tensor");
        return switch (strategy) {
            case "tensor" -> new int[]{0, 0};
            case "channel" -> new int[]{1, 0};
            case "group" -> new int[]{1, group};
            case "block" -> pair(weights, "block_structure")
                    .orElseThrow(() -> json.fault("quantization_config: strategy block has no block_structure."));
            default -> throw json.fault("quantization_config: strategy " + Printable.cut(strategy)
                    + " is not supported for weights; supported are tensor, channel, group and block.");
        };
    }

    private static Optional<int[]> pair(JsonFile json, String key) {
        return json.array(key).map(sizes -> {
            if (sizes.size() != 2 || !isBlock(sizes.get(0)) || !isBlock(sizes.get(1))) {
                throw json.wrong(key, sizes, "two sizes");
            }
            return new int[]{sizes.get(0).intValue(), sizes.get(1).intValue()};
        });
    }

    private static boolean isBlock(JsonNode size) {
        return size.canConvertToInt() && size.isIntegralNumber() && size.intValue() > 0
                && size.intValue() <= LARGEST_BLOCK;
    }

    private QuantizedForm fp8() {
        int[] block = pair(json, "weight_block_size").orElse(new int[]{method.equals("fp8") ? 0 : 1, 0});
        return new QuantizedForm(Layout.FP8, 8, block[0], block[1], false, false);
    }

    private QuantizedForm awq() {
        String version = json.text("version").or(() -> json.text("format")).orElse("gemm");
        if (!version.equalsIgnoreCase("gemm")) {
            throw json.fault("AWQ's version " + Printable.cut(version) + " is not supported; supported is gemm.");
        }
        return new QuantizedForm(Layout.AWQ, bits(4), 1, group(json), true, false);
    }

    private QuantizedForm gptq() {
        refuse("dynamic", "gives layers forms of their own, which is not supported for gptq; take a checkpoint whose"
                + " layers are quantized alike");
        boolean marlin = json.flag("is_marlin_format").orElse(false);
        String format = marlin ? "marlin" : json.text("checkpoint_format").or(() -> json.text("format")).orElse("gptq");
        if (!Set.of("gptq", "gptq_v2").contains(format)) {
            throw json.fault("GPTQ's checkpoint_format " + Printable.cut(format)
                    + " is not supported; supported are gptq and gptq_v2.");
        }
        return new QuantizedForm(Layout.GPTQ, bits(4, 8), 1, group(json), true, format.equals("gptq"));
    }

    private int bits(Integer... supported) {
        int bits = json.positive("bits").orElse(4);
        List<Integer> all = List.of(supported);
        if (!all.contains(bits)) {
            throw json.fault(method + " with " + bits + " bits is not supported; supported are " + all + ".");
        }
        return bits;
    }

    /** Columns that share a scale; 0 where all do. */
    private static int group(JsonFile json) {
        int group = json.integer("group_size").orElse(-1);
        if (group == 0 || group < -1 || group > LARGEST_BLOCK) {
            throw json.wrong("group_size", json.object().get("group_size"), "-1 or a number of columns");
        }
        return Math.max(group, 0);
    }
}
