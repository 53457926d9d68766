package dev.lockstep.device;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;

import ai.djl.Device;
import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.GradientCollector;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import dev.lockstep.djl.DjlLibraries;
import dev.lockstep.fixtures.DeviceCollectivesProgram;
import dev.lockstep.fixtures.LongRun;
import dev.lockstep.world.Group;
import dev.lockstep.world.Op;
import dev.lockstep.world.Worlds;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Arrays on CPU, between ranks that are threads; with two GPUs the program that is called here runs by itself. */
@Timeout(300)
class DeviceCollectivesTest {
    private static NDManager manager() {
        return DjlLibraries.load(() -> Engine.getEngine("PyTorch")).newBaseManager(Device.cpu());
    }

    @ParameterizedTest
    @LongRun(butFor = {1, 3})
    @ValueSource(ints = {1, 2, 3, 5})
    void everyVerbTypeAndCount_isAsTheWorldsOwn(int ranks) {
        Worlds.each(ranks, world -> {
            try (NDManager manager = manager()) {
                assertThat(DeviceCollectivesProgram.check(world, manager)).isGreaterThan(1000);
            }
        });
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
            "count | deviceAllReduce #3 (float32 [5], SUM) | deviceAllReduce #3 (float32 [6], SUM)",
            "type | deviceAllReduce #3 (float32 [5], SUM) | deviceAllReduce #3 (int32 [5], SUM)",
            "op | deviceAllReduce #3 (float32 [5], SUM) | deviceAllReduce #3 (float32 [5], MAX)",
            "verb | deviceAllReduce #3 (float32 [5], SUM) | deviceAllGather #3 (float32 [5])",
            "root | deviceBroadcast #3 (float32 [5], root 0) | deviceBroadcast #3 (float32 [5], root 1)",
            "list | deviceAllReduce #3 (float32 [5] [1], SUM) | deviceAllReduce #3 (float32 [1] [5], SUM)"})
    void ranks_inDifferentCalls_areNamed(String what, String zero, String one) {
        assertThatThrownBy(() -> Worlds.each(2, world -> {
            try (NDManager manager = manager()) {
                DeviceCollectives device = DeviceCollectives.of(world, manager.getDevice());
                NDArray array = manager.ones(new Shape(5));
                NDArray other = manager.ones(new Shape(1));
                boolean first = world.isRoot();
                switch (what) {
                    case "count" -> device.allReduce(first ? array : manager.ones(new Shape(6)), Op.SUM);
                    case "type" -> device.allReduce(first ? array : array.toType(DataType.INT32, true), Op.SUM);
                    case "op" -> device.allReduce(array, first ? Op.SUM : Op.MAX);
                    case "root" -> device.broadcast(array, world.rank());
                    case "list" -> device.allReduce(first ? new NDList(array, other) : new NDList(other, array),
                            Op.SUM);
                    default -> {
                        NDArray unused = first ? device.allReduce(array, Op.SUM) : device.allGather(array);
                    }
                }
            }
        })).isInstanceOf(IllegalStateException.class).hasMessage("rank 0 is in " + zero + ", rank 1 in " + one
                + ": every rank must call the same collectives in the same order");
    }

    @Test
    void rank_inAnotherVerbOfTheWorld_isNamed() {
        assertThatThrownBy(() -> Worlds.each(2, world -> {
            try (NDManager manager = manager()) {
                DeviceCollectives device = DeviceCollectives.of(world, manager.getDevice());
                if (world.isRoot()) {
                    world.barrier();
                } else {
                    NDArray unused = device.allReduce(manager.ones(new Shape(5)), Op.SUM);
                }
            }
        })).isInstanceOf(IllegalStateException.class).message().matches(
                "rank 0 is in barrier #3, rank 1 in device(AllReduce)? #3.*: every rank must call the same .*");
    }

    @Test
    void rank_thatDoesNotCome_isNamedWithTheCall() {
        assertThatThrownBy(() -> Worlds.each(2, Duration.ofMillis(700), world -> {
            try (NDManager manager = manager()) {
                DeviceCollectives device = DeviceCollectives.of(world, manager.getDevice());
                if (world.isRoot()) {
                    NDArray unused = device.allReduce(manager.ones(new Shape(5)), Op.SUM);
                }
                new CountDownLatch(1).await();
            }
        })).isInstanceOf(IllegalStateException.class).message().startsWith(
                "hang: rank 1 has not reached deviceAllReduce #3 (float32 [5], SUM); it has been in its own code after "
                        + "deviceCollectives #2 (cpu) for ");
    }

    /** On a GPU both would wait in the stream, where nobody sees them. */
    @Test
    void ranks_thatBothSendFirst_areNamed() {
        assertThatThrownBy(() -> Worlds.each(2, Duration.ofMillis(700), world -> {
            try (NDManager manager = manager()) {
                DeviceCollectives device = DeviceCollectives.of(world, manager.getDevice());
                device.send(manager.ones(new Shape(5)), 1 - world.rank());
            }
        })).isInstanceOf(IllegalStateException.class).message().matches(
                "hang: rank [01] has waited for a message of rank [01] .*");
    }

    @Test
    void group_hasItsOwnCollectives() {
        assertThat(Worlds.run(5, world -> {
            try (NDManager manager = manager()) {
                Group half = world.group(world.rank() % 2);
                DeviceCollectives device = DeviceCollectives.of(half, manager.getDevice());
                return device.allReduce(manager.create((float) world.rank()), Op.SUM).getFloat();
            }
        })).containsExactly(6f, 4f, 6f, 4f, 6f);
    }

    @Test
    void halves_areRoundedOnce() {
        // of float16 the one after 2048 is 2050, so that 2048 + 1 is 2048 again
        List<Float> sums = Worlds.run(3, world -> {
            try (NDManager manager = manager()) {
                NDArray mine = manager.create(world.isRoot() ? 2048f : 1f).toType(DataType.FLOAT16, true);
                return DeviceCollectives.of(world, manager.getDevice()).allReduce(mine, Op.SUM)
                        .toType(DataType.FLOAT32, true).getFloat();
            }
        });
        assertThat(sums).containsOnly(2050f);
    }

    @Test
    void gradients_goThroughWhatARankWasGiven() {
        List<float[]> gradients = Worlds.run(2, world -> {
            try (NDManager manager = manager()) {
                NDArray weight = DeviceCollectives.of(world, manager.getDevice())
                        .broadcast(manager.create(new float[]{world.rank() + 3}), 0);
                weight.setRequiresGradient(true);
                return world.isRoot() ? new float[0] : gradient(weight);
            }
        });
        assertThat(gradients.get(1)).containsExactly(6f);
    }

    private static float[] gradient(NDArray weight) {
        try (GradientCollector collector = Engine.getEngine("PyTorch").newGradientCollector()) {
            collector.backward(weight.square().sum());
        }
        return weight.getGradient().toFloatArray();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
            "and | Op.BAND is not for arrays on devices, for which NCCL has SUM, PROD, MIN, MAX and AVG",
            "mean | Op.AVG is not for int32: take Op.SUM and divide as you would have it rounded",
            "root | root 1 is not a rank of 1", "self | send: rank 0 is this one, which has the array",
            "bool | an array of PyTorch's type 11 cannot be sent: of float32, float64, bfloat16, float16, int64, int32, "
                    + "int8 and uint8 it can",
            "mixed | allReduce: a list with arrays of float32 and of int32: take one list for each type",
            "none | allReduce: a list without an array"})
    void whatCannotBeDone_isRefusedInOneSentence(String what, String sentence) {
        assertThatThrownBy(() -> Worlds.each(1, world -> {
            try (NDManager manager = manager()) {
                DeviceCollectives device = DeviceCollectives.of(world, manager.getDevice());
                NDArray floats = manager.ones(new Shape(2));
                NDArray ints = floats.toType(DataType.INT32, true);
                switch (what) {
                    case "and" -> device.allReduce(ints, Op.BAND);
                    case "mean" -> device.allReduce(ints, Op.AVG);
                    case "root" -> device.broadcast(floats, 1);
                    case "self" -> device.send(floats, 0);
                    case "bool" -> device.allGather(floats.toType(DataType.BOOLEAN, true));
                    case "mixed" -> device.allReduce(new NDList(floats, ints), Op.SUM);
                    default -> device.allReduce(new NDList(), Op.SUM);
                }
            }
        })).isInstanceOf(IllegalArgumentException.class).hasMessage(sentence);
    }
}
