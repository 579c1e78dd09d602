// The graph view: order, lookups, captures of bodies, constants, attributes.
#include "onnx/graph_view.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "onnx/test_models.h"

namespace hearth::onnx {
namespace {

using ::onnx::AttributeProto;
using ::onnx::GraphProto;
using testing::add_node;
using testing::add_value;
using testing::small_model;

std::string view_refusal(const GraphProto& graph) {
  const auto view = GraphView::build(graph);
  return view ? "accepted" : view.error().message;
}

GraphProto chain(int length) {
  GraphProto graph;
  add_value(graph.add_input(), "v0", {1});
  for (int i = 0; i < length; ++i) {
    add_node(graph, "Relu", {"v" + std::to_string(i)}, {"v" + std::to_string(i + 1)},
             "n" + std::to_string(i));
  }
  add_value(graph.add_output(), "v" + std::to_string(length), {1});
  return graph;
}

TEST(GraphView, OrdersAShuffledGraph) {
  GraphProto graph = chain(50);
  std::mt19937 random(7);
  for (int i = graph.node_size() - 1; i > 0; --i) {
    graph.mutable_node()->SwapElements(i,
                                       static_cast<int>(random() % static_cast<unsigned>(i + 1)));
  }
  const auto view = GraphView::build(graph);
  ASSERT_TRUE(view) << view.error().message;
  for (std::size_t i = 0; i < view->nodes().size(); ++i) {
    EXPECT_EQ(view->nodes()[i]->name(), "n" + std::to_string(i));
  }
}

TEST(GraphView, KeepsTheOrderOfASortedGraph) {
  GraphProto graph;
  add_value(graph.add_input(), "x", {1});
  for (int i = 9; i >= 0; --i) {
    const std::string digit = std::to_string(i);
    add_node(graph, "Relu", {"x"}, {"y" + digit}, digit);
  }
  const auto view = GraphView::build(graph);
  ASSERT_TRUE(view);
  for (std::size_t i = 0; i < 10; ++i) {
    EXPECT_EQ(view->nodes()[i]->name(), std::to_string(9 - i));
  }
}

TEST(GraphView, LooksUp) {
  const auto model = small_model();
  const auto view = GraphView::build(model.graph());
  ASSERT_TRUE(view);
  EXPECT_EQ(view->producer("sum")->name(), "add");
  EXPECT_EQ(view->producer("x"), nullptr);
  ASSERT_EQ(view->consumers("sum").size(), 1U);
  EXPECT_EQ(view->consumers("sum")[0]->name(), "relu");
  EXPECT_TRUE(view->consumers("nothing").empty());
  EXPECT_NE(view->initializer("w"), nullptr);
  EXPECT_TRUE(view->is_output("y"));
  EXPECT_FALSE(view->is_output("sum"));
  ASSERT_NE(view->input("x"), nullptr);
  EXPECT_EQ(view->input("x")->element_type, ::onnx::TensorProto::FLOAT);
  EXPECT_EQ(view->input("x")->dims[1].value, 3);
}

TEST(GraphView, InitializersListedAsInputsNeedNoFeeding) {
  auto model = small_model();
  add_value(model.mutable_graph()->add_input(), "w", {2, 3});
  const auto view = GraphView::build(model.graph());
  ASSERT_TRUE(view) << view.error().message;
  EXPECT_EQ(view->inputs().size(), 1U);
}

TEST(GraphView, RefusesCircles) {
  GraphProto graph = chain(3);
  graph.mutable_node(0)->add_input("v2");
  EXPECT_NE(view_refusal(graph).find("node 'n0' (Relu) waits for its own output"),
            std::string::npos)
      << view_refusal(graph);
  GraphProto self = chain(1);
  self.mutable_node(0)->set_input(0, "v1");
  EXPECT_NE(view_refusal(self).find("circle"), std::string::npos);
}

TEST(GraphView, RefusesUndefinedValues) {
  GraphProto graph = chain(3);
  graph.mutable_node(1)->add_input("ghost");
  EXPECT_EQ(view_refusal(graph), "node 'n1' (Relu) reads 'ghost', which nothing produces");
  GraphProto output = chain(3);
  output.mutable_output(0)->set_name("ghost");
  EXPECT_NE(view_refusal(output).find("output 'ghost'"), std::string::npos);
}

TEST(GraphView, RefusesInputsAndOutputsWithoutAName) {
  GraphProto input = chain(3);
  input.add_input();
  EXPECT_EQ(view_refusal(input), "a graph input has no name");
  GraphProto output = chain(3);
  output.add_output();
  EXPECT_EQ(view_refusal(output), "a graph output has no name");
}

TEST(GraphView, RefusesValuesDefinedTwice) {
  GraphProto graph = chain(3);
  add_node(graph, "Relu", {"v0"}, {"v2"}, "again");
  EXPECT_NE(view_refusal(graph).find("'again'"), std::string::npos);
  GraphProto over_input = chain(3);
  add_node(over_input, "Relu", {"v1"}, {"v0"}, "again");
  EXPECT_NE(view_refusal(over_input).find("'again'"), std::string::npos);
}

/// chain(2) in front of which stands an If whose then-branch reads v1, produced later in the file.
GraphProto capturing() {
  GraphProto graph = chain(2);
  auto* node = add_node(graph, "If", {"v0"}, {"chosen"}, "if");
  auto* attribute = node->add_attribute();
  attribute->set_name("then_branch");
  attribute->set_type(AttributeProto::GRAPH);
  auto* body = attribute->mutable_g();
  add_node(*body, "Neg", {"inner"}, {"result"}, "second");
  add_node(*body, "Relu", {"v1"}, {"inner"}, "first");
  add_value(body->add_output(), "result", {1});
  graph.mutable_node()->SwapElements(0, 2);
  return graph;
}

TEST(GraphView, WhatABodyReadsCountsAsInput) {
  const GraphProto graph = capturing();
  ASSERT_EQ(graph.node(0).op_type(), "If");
  const auto view = GraphView::build(graph);
  ASSERT_TRUE(view) << view.error().message;
  std::vector<std::string> names;
  for (const auto* node : view->nodes()) names.push_back(node->name());
  EXPECT_EQ(names, (std::vector<std::string>{"n0", "if", "n1"}));
  const auto captured = view->captures(graph.node(0));
  ASSERT_EQ(captured.size(), 1U);
  EXPECT_EQ(captured[0], "v1");
  EXPECT_EQ(view->consumers("v1").size(), 2U);
}

TEST(GraphView, RefusesBodiesThatAreUnsound) {
  GraphProto graph = capturing();
  auto* body = graph.mutable_node(0)->mutable_attribute(0)->mutable_g();
  body->mutable_node(1)->add_input("result");
  EXPECT_NE(view_refusal(graph).find("in a body of node 'if'"), std::string::npos)
      << view_refusal(graph);
  body->mutable_node(1)->set_input(1, "ghost");
  EXPECT_NE(view_refusal(graph).find("'ghost'"), std::string::npos) << view_refusal(graph);
  body->mutable_node(1)->set_input(1, "chosen");
  EXPECT_NE(view_refusal(graph).find("circle"), std::string::npos) << view_refusal(graph);
}

TEST(GraphView, ReadsConstantIntegers) {
  GraphProto graph = chain(1);
  auto* value = add_node(graph, "Constant", {}, {"c"}, "constant")->add_attribute();
  value->set_name("value");
  value->mutable_t()->set_data_type(::onnx::TensorProto::INT64);
  const std::int64_t number = -4096;
  value->mutable_t()->set_raw_data(std::string(reinterpret_cast<const char*>(&number), 8));
  auto* list = graph.add_initializer();
  list->set_name("list");
  list->set_data_type(::onnx::TensorProto::INT32);
  list->add_dims(2);
  list->add_int32_data(3);
  list->add_int32_data(-1);
  const auto view = GraphView::build(graph);
  ASSERT_TRUE(view) << view.error().message;
  EXPECT_EQ(view->constant_integer("c"), -4096);
  EXPECT_EQ(view->constant_integers("list"), (std::vector<std::int64_t>{3, -1}));
  EXPECT_FALSE(view->constant_integer("list"));
  EXPECT_FALSE(view->constant_integer("v0"));
  EXPECT_FALSE(view->constant_integer("v1"));
}

TEST(GraphView, TypedAttributes) {
  GraphProto graph = chain(1);
  auto* k = graph.mutable_node(0)->add_attribute();
  k->set_name("K");
  k->set_i(3072);
  auto* epsilon = graph.mutable_node(0)->add_attribute();
  epsilon->set_name("epsilon");
  epsilon->set_f(0.5F);
  const auto& node = graph.node(0);
  EXPECT_EQ(attribute_int(node, "K").value_or(0), 3072);
  EXPECT_EQ(attribute_int_or(node, "N", 5).value_or(0), 5);
  EXPECT_EQ(attribute_float_or(node, "epsilon", 0).value_or(0), 0.5F);
  EXPECT_FALSE(attribute_int(node, "N"));
  EXPECT_FALSE(attribute_int(node, "epsilon"));
  EXPECT_FALSE(attribute_float_or(node, "K", 0));
  EXPECT_NE(attribute_int(node, "N").error().message.find("node 'n0' (Relu)"), std::string::npos);
}

}  // namespace
}  // namespace hearth::onnx
